// SPDX-License-Identifier: BSD-2-Clause
// The machine code of an image beside the DIF that it came from (Zydis, Intel syntax).
//
// Addresses are offsets in the code. A comment names what a relocation stands for and which loads
// are recoverable; everything from the first COLD line on is rarely run. Any image that parses has
// a listing, whatever its bytes are. Test: tests/jit/listing_test.cpp (golden files).
#include <algorithm>
#include <map>

#include <Zydis/Zydis.h>
#include <fmt/format.h>

#include <difjit/jit.hpp>
#include <difjit/text.hpp>

#include "dif/subroutines.hpp"

namespace difjit::jit {
namespace {

std::string helper_name(std::uint32_t number) {
    if (number >= DIFJIT_HELPER_SUBR_BASE) {
        const std::uint32_t subr = number - DIFJIT_HELPER_SUBR_BASE;
        return subr < subroutine_count ? fmt::format("{}()", subroutine_rows[subr].name)
                                       : fmt::format("subroutine {}", subr);
    }
    static constexpr const char* names[] = {
#define DIFJIT_HELPER(name, nargs, faults, meaning) #name,
#include <difjit/helpers.def>
    };
    return number < std::size(names) ? fmt::format("helper {}", names[number])
                                     : fmt::format("helper {}", number);
}

class Listing {
  public:
    Listing(const ImageView& image, const difjit_difo& difo) : image_(image), difo_(own(difo)) {
        for (const difjit_line& line : image.lines)
            lines_[line.offset] = line.pc;
        ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
        ZydisFormatterInit(&formatter_, ZYDIS_FORMATTER_STYLE_INTEL);
        ZydisFormatterSetProperty(&formatter_, ZYDIS_FORMATTER_PROP_ADDR_PADDING_ABSOLUTE,
                                  ZYDIS_PADDING_DISABLED);
        ZydisFormatterSetProperty(&formatter_, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, ZYAN_FALSE);
    }

    std::string run() {
        text_ = fmt::format("amd64: {} bytes of code, {} relocations, {} recoverable loads\n",
                            image_.code.size(), image_.relocs.size(), image_.faults.size());
        for (std::uint32_t at = 0; at < image_.code.size();) {
            if (const auto line = lines_.find(at); line != lines_.end())
                heading(line->second);
            if (at == image_.header->fault_exit)
                text_ += "    fault exit:\n";
            at += instruction(at);
        }
        return std::move(text_);
    }

  private:
    static Difo own(const difjit_difo& difo) {
        Difo d;
        d.text.assign(difo.text, difo.text + difo.text_len);
        d.ints.assign(difo.ints, difo.ints + difo.int_len);
        d.strtab.assign(difo.strtab, difo.strtab + difo.str_len);
        d.vars.assign(difo.vars, difo.vars + difo.var_len);
        d.rtype = difo.rtype;
        d.dialect = static_cast<Dialect>(difo.dialect < DIFJIT_NDIALECTS ? difo.dialect : 0);
        return d;
    }

    void heading(std::uint32_t pc) {
        switch (pc) {
        case DIFJIT_LINE_PROLOGUE: text_ += "  entry\n"; return;
        case DIFJIT_LINE_EPILOGUE: return;
        case DIFJIT_LINE_CONSTANTS: text_ += "  constants\n"; return;
        case DIFJIT_LINE_COLD:
            if (!cold_)
                text_ += "  rarely run\n";
            cold_ = true;
            return;
        default: break;
        }
        text_ += pc < difo_.text.size()
                     ? fmt::format("  {:02}: {}\n", pc, text::disassemble_instruction(difo_, pc))
                     : fmt::format("  {:02}:\n", pc);
    }

    /// Appends one instruction; returns its length.
    std::uint32_t instruction(std::uint32_t at) {
        const std::uint32_t limit = next_line(at);
        ZydisDecodedInstruction decoded;
        ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
        char code[128] = "(not an instruction)";
        std::uint32_t length = 1;
        if (ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder_, image_.code.data() + at, limit - at,
                                                &decoded, operands))) {
            length = decoded.length;
            ZydisFormatterFormatInstruction(&formatter_, &decoded, operands,
                                            decoded.operand_count_visible, code, sizeof code, at,
                                            nullptr);
        }
        std::string bytes;
        for (std::uint32_t i = 0; i < length; i++)
            bytes += fmt::format("{:02x} ", static_cast<unsigned>(image_.code[at + i]));
        const std::string comment = comments(at, length);
        if (comment.empty())
            text_ += fmt::format("    {:4x}  {:<33} {}\n", at, bytes, code);
        else
            text_ += fmt::format("    {:4x}  {:<33} {:<32} ;{}\n", at, bytes, code, comment);
        return length;
    }

    /// An instruction never runs over the start of the next line.
    [[nodiscard]] std::uint32_t next_line(std::uint32_t at) const {
        const auto next = lines_.upper_bound(at);
        return next == lines_.end() ? static_cast<std::uint32_t>(image_.code.size()) : next->first;
    }

    [[nodiscard]] std::string comments(std::uint32_t at, std::uint32_t length) const {
        std::string text;
        for (const difjit_fault_entry& f : image_.faults)
            if (f.offset == at)
                text += " may fault";
        for (const difjit_reloc& r : image_.relocs)
            if (r.offset >= at && r.offset < at + length)
                text += " " + meaning(r);
        return text;
    }

    [[nodiscard]] std::string meaning(const difjit_reloc& r) const {
        switch (r.kind) {
        case DIFJIT_RELOC_HELPER_REL32:
        case DIFJIT_RELOC_HELPER_ABS64: return helper_name(r.symbol);
        case DIFJIT_RELOC_GLOBAL_ABS64: return "global " + variable(r.symbol, DIFJIT_SCOPE_GLOBAL);
        case DIFJIT_RELOC_LOCAL_DISP32:
            return "clause-local " + variable(r.symbol, DIFJIT_SCOPE_LOCAL);
        case DIFJIT_RELOC_STRTAB_ABS64: return fmt::format("string table + {}", r.addend);
        default: return fmt::format("integer {}", r.symbol);
        }
    }

    [[nodiscard]] std::string variable(std::uint32_t id, std::uint8_t scope) const {
        for (const difjit_var& v : difo_.vars)
            if (v.id == id && v.scope == scope && v.name < difo_.strtab.size())
                return fmt::format("{} ({})", id, difo_.strtab.c_str() + v.name);
        return fmt::format("{}", id);
    }

    const ImageView& image_;
    const Difo difo_;
    ZydisDecoder decoder_;
    ZydisFormatter formatter_;
    std::map<std::uint32_t, std::uint32_t> lines_;
    std::string text_;
    bool cold_ = false;
};

} // namespace

Result<std::string> listing(std::span<const std::byte> bytes, const difjit_difo& difo) {
    const Result<ImageView> image = parse_image(bytes);
    if (!image)
        return std::unexpected(image.error());
    if (image->header->machine != DIFJIT_MACHINE_AMD64)
        return fail("listing: an image of another machine");
    return Listing(*image, difo).run();
}

} // namespace difjit::jit
