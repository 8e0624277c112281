// SPDX-License-Identifier: BSD-2-Clause
// DWARF call frame information, exact at each instruction.
//
// An image does not carry it: the prologue and the epilogues (which the line table marks) are made
// of endbr64, pushes, one change of rsp, pops and ret, so reading them back gives the same facts
// without a second table that could disagree. Test: tests/jit/arena_test.cpp unwinds through
// compiled code.
#include "jit/unwind.hpp"

#include <cstring>
#include <optional>

namespace difjit::jit {
namespace {

// DW_CFA_*
constexpr std::uint8_t cfa_advance_loc4 = 0x04, cfa_remember = 0x0a, cfa_restore_state = 0x0b,
                       cfa_def_cfa = 0x0c, cfa_def_cfa_offset = 0x0e, cfa_offset = 0x80,
                       cfa_restore = 0xc0;

/// DWARF's number of a machine register.
std::uint8_t dwarf(unsigned machine) {
    static constexpr std::uint8_t low[8] = {0, 2, 1, 3, 7, 6, 4, 5};
    return machine < 8 ? low[machine] : static_cast<std::uint8_t>(machine);
}

/// One instruction of a prologue or epilogue.
struct Piece {
    enum Kind { endbr, push, pop, grow, shrink, ret } kind;
    unsigned length;
    std::uint32_t value; // register, or bytes
};

std::optional<Piece> read_piece(std::span<const std::byte> code) {
    std::uint8_t b[8] = {};
    std::memcpy(b, code.data(), std::min<std::size_t>(code.size(), sizeof b));
    if (code.size() >= 4 && b[0] == 0xf3 && b[1] == 0x0f && b[2] == 0x1e && b[3] == 0xfa)
        return Piece{Piece::endbr, 4, 0};
    const unsigned high = b[0] == 0x41 ? 1 : 0;
    const std::uint8_t op = b[high];
    if (op >= 0x50 && op <= 0x5f && code.size() > high)
        return Piece{op < 0x58 ? Piece::push : Piece::pop, high + 1, (op & 7u) | high << 3};
    if (b[0] == 0xc3 && !code.empty())
        return Piece{Piece::ret, 1, 0};
    if (b[0] != 0x48 || (b[2] != 0xec && b[2] != 0xc4))
        return std::nullopt;
    const Piece::Kind kind = b[2] == 0xec ? Piece::grow : Piece::shrink;
    if (b[1] == 0x83 && code.size() >= 4 && b[3] < 0x80)
        return Piece{kind, 4, b[3]};
    if (b[1] != 0x81 || code.size() < 7)
        return std::nullopt;
    std::uint32_t bytes = 0;
    std::memcpy(&bytes, b + 3, 4);
    return Piece{kind, 7, bytes};
}

class FrameTable {
  public:
    std::vector<std::uint8_t> bytes;

    void u8(std::uint8_t v) { bytes.push_back(v); }
    void u32(std::uint32_t v) { put(&v, 4); }
    void u64(std::uint64_t v) { put(&v, 8); }
    void uleb(std::uint32_t v) {
        for (; v >= 0x80; v >>= 7)
            u8(static_cast<std::uint8_t>(v | 0x80));
        u8(static_cast<std::uint8_t>(v));
    }

    /// Starts a record; its length is filled in by end().
    std::size_t begin() {
        u32(0);
        return bytes.size();
    }
    void end(std::size_t start) {
        while (bytes.size() % 8 != 0)
            u8(0); // DW_CFA_nop
        const auto length = static_cast<std::uint32_t>(bytes.size() - start);
        std::memcpy(bytes.data() + start - 4, &length, 4);
    }

  private:
    void put(const void* p, std::size_t n) {
        const auto* b = static_cast<const std::uint8_t*>(p);
        bytes.insert(bytes.end(), b, b + n);
    }
};

/// Writes the instructions of the FDE while it walks the code.
class Walker {
  public:
    Walker(FrameTable& table, std::span<const std::byte> code) : table_(table), code_(code) {}

    bool prologue(std::uint32_t at) {
        while (at < code_.size()) {
            const std::optional<Piece> piece = read_piece(code_.subspan(at));
            if (!piece || (piece->kind != Piece::endbr && piece->kind != Piece::push &&
                           piece->kind != Piece::grow))
                return true; // the body begins
            at += piece->length;
            if (piece->kind == Piece::endbr)
                continue;
            move_to(at);
            set_offset(cfa_ + (piece->kind == Piece::push ? 8 : piece->value));
            if (piece->kind == Piece::push) {
                table_.u8(static_cast<std::uint8_t>(cfa_offset | dwarf(piece->value)));
                table_.uleb(cfa_ / 8);
            }
        }
        return true;
    }

    bool epilogue(std::uint32_t at) {
        const std::uint32_t saved = cfa_;
        move_to(at);
        table_.u8(cfa_remember);
        for (;;) {
            const std::optional<Piece> piece =
                at < code_.size() ? read_piece(code_.subspan(at)) : std::nullopt;
            if (!piece || piece->kind == Piece::endbr || piece->kind == Piece::push ||
                piece->kind == Piece::grow)
                return false;
            const std::uint32_t bytes = piece->kind == Piece::shrink ? piece->value : 8;
            at += piece->length;
            move_to(at);
            if (piece->kind == Piece::ret)
                break;
            if (bytes + 8 > cfa_)
                return false;
            set_offset(cfa_ - bytes);
            if (piece->kind == Piece::pop)
                table_.u8(static_cast<std::uint8_t>(cfa_restore | dwarf(piece->value)));
        }
        table_.u8(cfa_restore_state);
        const bool empty = cfa_ == 8;
        cfa_ = saved;
        return empty;
    }

  private:
    void move_to(std::uint32_t at) {
        if (at == here_)
            return;
        table_.u8(cfa_advance_loc4);
        table_.u32(at - here_);
        here_ = at;
    }

    void set_offset(std::uint32_t offset) {
        cfa_ = offset;
        table_.u8(cfa_def_cfa_offset);
        table_.uleb(offset);
    }

    FrameTable& table_;
    std::span<const std::byte> code_;
    std::uint32_t here_ = 0, cfa_ = 8;
};

std::size_t write_cie(FrameTable& t) {
    const std::size_t start = t.begin();
    t.u32(0); // a CIE
    t.u8(1);  // version
    for (const char c : {'z', 'R', '\0'})
        t.u8(static_cast<std::uint8_t>(c));
    t.uleb(1);  // code alignment
    t.u8(0x78); // data alignment -8, SLEB128
    t.u8(16);   // return address column
    t.uleb(1);  // augmentation length
    t.u8(0);    // DW_EH_PE_absptr
    t.u8(cfa_def_cfa), t.uleb(dwarf(4)), t.uleb(8);
    t.u8(cfa_offset | 16), t.uleb(1);
    t.end(start);
    return start;
}

} // namespace

std::vector<std::uint8_t> make_eh_frame(const ImageView& image, std::uint64_t address,
                                        std::uint64_t length) {
    FrameTable t;
    const std::size_t cie = write_cie(t);
    const std::size_t start = t.begin();
    t.u32(static_cast<std::uint32_t>(start - (cie - 4)));
    t.u64(address);
    t.u64(length);
    t.uleb(0); // no augmentation data
    Walker walker(t, image.code);
    bool ok = image.header->entry == 0 && walker.prologue(0);
    for (const difjit_line& line : image.lines)
        if (ok && line.pc == DIFJIT_LINE_EPILOGUE)
            ok = walker.epilogue(line.offset);
    if (!ok)
        return {};
    t.end(start);
    t.u32(0);
    return std::move(t.bytes);
}

} // namespace difjit::jit
