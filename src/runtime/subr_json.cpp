// SPDX-License-Identifier: BSD-2-Clause
// json(): one element of a JSON text, picked by a selector such as "a.b[1].c".
//
// Follows dtrace_json's state machine, state by state, quirks included: what it accepts is not all
// of JSON, and not only JSON. One byte of text makes at most one byte of result, which is how the
// result fits. Tested in tests/runtime/json_test.cpp.
#include "runtime/memory.hpp"
#include "runtime/number_text.hpp"
#include "runtime/runtime.hpp"
#include "runtime/subr.hpp"

namespace difjit::runtime {

namespace {

bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// What a byte did to the machine.
enum class Step : std::uint8_t { next, again, found, failed };

class Json {
  public:
    /// `dst` has room for `length` bytes and a NUL; the selector's parts, each with a NUL, follow
    /// it.
    Json(difjit_frame* f, std::uint8_t* dst, std::uint64_t length, int parts)
        : f_(f), dst_(dst), end_(dst + length), part_(dst + length + 1), parts_(parts), at_(dst) {}

    /// True: the element is at dst.
    bool run(std::uint64_t json, std::uint64_t size);

  private:
    enum class State : std::uint8_t {
        rest,
        object,
        string,
        escape,
        unicode,
        colon,
        comma,
        identifier,
        number,
        fraction,
        exponent,
        value,
        collect
    };

    difjit_frame* f_;
    std::uint8_t* dst_;
    const std::uint8_t* end_;
    std::uint8_t* part_; ///< the selector's part that is looked for now
    int parts_;          ///< how many are left, this one included
    std::uint8_t* at_;
    State state_ = State::rest;
    std::int64_t wanted_ = INT64_MIN, position_ = 0; ///< in an array
    std::uint32_t braces_ = 0, brackets_ = 0;
    std::uint8_t unicode_ = 0;
    bool is_key_ = false, collecting_ = false, found_ = false, in_array_ = false;

    Step to(State state) {
        state_ = state;
        return Step::next;
    }
    Step put(char c, State state) {
        // A text that another CPU is changing under us can be longer than it was.
        if (at_ >= end_)
            return Step::failed;
        *at_++ = static_cast<std::uint8_t>(c);
        return to(state);
    }
    void finish() {
        *at_ = '\0';
        at_ = dst_;
    }
    void enter_array() {
        position_ = 0;
        wanted_ = text_to_number(f_, address_of(part_), 10, f_->strsize);
        found_ = wanted_ == 0;
    }
    bool is(const char* word) {
        std::uint32_t i = 0;
        while (word[i] != '\0' && dst_[i] == static_cast<std::uint8_t>(word[i]))
            i++;
        return word[i] == '\0' && dst_[i] == '\0';
    }

    Step byte(char c);
    Step rest(char c);
    Step string(char c);
    Step end_of_string(char c);
    Step comma(char c);
    Step identifier(char c);
    Step number(char c);
    Step end_of_scalar();
    Step value(char c);
    Step nested(char c);
    Step collect(char c);
};

Step Json::rest(char c) {
    if (c == '{')
        return to(State::object);
    if (c != '[')
        return Step::failed;
    in_array_ = true;
    enter_array();
    return to(State::value);
}

Step Json::end_of_string(char c) {
    if (collecting_) { // part of a larger object
        collecting_ = false;
        return put(c, State::collect);
    }
    finish();
    if (is_key_) {
        if (compare_strings(f_, address_of(dst_), address_of(part_), f_->strsize) == 0)
            found_ = true;
        is_key_ = false;
        return to(State::colon);
    }
    if (found_)
        return parts_ > 1 ? Step::failed : Step::found;
    return to(State::comma);
}

Step Json::string(char c) {
    if (c == '\\')
        return put(c, State::escape);
    return c == '"' ? end_of_string(c) : put(c, State::string);
}

Step Json::comma(char c) {
    if (c != ',')
        return Step::failed;
    if (!in_array_)
        return to(State::object);
    if (++position_ == wanted_)
        found_ = true;
    return to(State::value);
}

/// Behind a number or a word: the byte that ended it is looked at again.
Step Json::end_of_scalar() {
    if (found_)
        return parts_ > 1 ? Step::failed : Step::found;
    state_ = State::comma;
    return Step::again;
}

Step Json::identifier(char c) {
    if (is_lower(c))
        return put(c, State::identifier);
    finish();
    return is("true") || is("false") || is("null") ? end_of_scalar() : Step::failed;
}

Step Json::number(char c) {
    if (state_ == State::number) {
        if (c == '.')
            return put(c, State::fraction);
        if (c == 'x' || c == 'X')
            return Step::failed;
    }
    if (state_ != State::exponent) {
        if (c == 'e' || c == 'E')
            return put(c, State::exponent);
        if (c == '+' || c == '-')
            return Step::failed;
    }
    if (is_digit(c) || c == '+' || c == '-')
        return put(c, state_);
    finish();
    return end_of_scalar();
}

/// An object or array as a value: the one that the selector goes into, or one to take whole or
/// skip.
Step Json::nested(char c) {
    if (parts_ > 1 && found_) {
        in_array_ = c == '[';
        while (*part_ != '\0')
            part_++;
        part_++;
        parts_--;
        at_ = dst_;
        if (in_array_) {
            enter_array();
            return to(State::value);
        }
        found_ = false;
        return to(State::object);
    }
    (c == '[' ? brackets_ : braces_) = 1;
    return put(c, State::collect);
}

Step Json::value(char c) {
    if (c == '{' || c == '[')
        return nested(c);
    if (c == '"')
        return to(State::string);
    if (is_lower(c))
        return put(c, State::identifier);
    return c == '-' || is_digit(c) ? put(c, State::number) : Step::failed;
}

Step Json::collect(char c) {
    const Step step = put(c, State::collect);
    if (step != Step::next)
        return step;
    switch (c) {
    case '"': collecting_ = true; return to(State::string);
    case ']':
        if (brackets_-- == 0)
            return Step::failed;
        break;
    case '}':
        if (braces_-- == 0)
            return Step::failed;
        break;
    case '{': braces_++; break;
    case '[': brackets_++; break;
    default: break;
    }
    if (brackets_ != 0 || braces_ != 0)
        return Step::next;
    finish();
    return found_ ? Step::found : to(State::comma);
}

Step Json::byte(char c) {
    const bool skips = state_ == State::rest || state_ == State::object || state_ == State::colon ||
                       state_ == State::comma || state_ == State::value;
    if (skips && is_space(c))
        return Step::next;
    switch (state_) {
    case State::rest: return rest(c);
    case State::object: is_key_ = true; return c == '"' ? to(State::string) : Step::failed;
    case State::string: return string(c);
    case State::escape: unicode_ = 0; return put(c, c == 'u' ? State::unicode : State::string);
    case State::unicode:
        if (digit_value(c) >= 16)
            return Step::failed;
        return put(c, ++unicode_ == 4 ? State::string : State::unicode);
    case State::colon: return c == ':' ? to(State::value) : Step::failed;
    case State::comma: return comma(c);
    case State::identifier: return identifier(c);
    case State::number:
    case State::fraction:
    case State::exponent: return number(c);
    case State::value: return value(c);
    case State::collect: return collect(c);
    }
    return Step::failed;
}

bool Json::run(std::uint64_t json, std::uint64_t size) {
    if (json + size < json) // the reference compares addresses: nothing is read
        return false;
    for (std::uint64_t i = 0; i < size; i++) {
        const auto c = static_cast<char>(load_byte(f_, json + i));
        if (c == '\0')
            return false;
        Step step = byte(c);
        if (step == Step::again) // once: comma takes or refuses every byte
            step = byte(c);
        if (step == Step::found)
            return true;
        if (step == Step::failed)
            return false;
    }
    return false;
}

/// "a.b[1]" as "a", "b", "1"; returns how many there are.
int split_selector(difjit_frame* f, std::uint8_t* to, std::uint64_t selector,
                   std::uint64_t length) {
    int parts = 1;
    for (std::uint64_t i = 0; i < length; i++) {
        std::uint8_t c = load_byte(f, selector + i);
        if ((i == 0 && c == '[') || c == ']')
            continue;
        if (c == '.' || c == '[') {
            parts++;
            c = '\0';
        }
        *to++ = c;
    }
    *to = '\0';
    return parts;
}

} // namespace

template <>
std::uint64_t subroutine<Subr::JSON>(difjit_frame* f, std::uint64_t) {
    const std::uint64_t json = argument(f, 0), selector = argument(f, 1);
    const std::uint64_t length = string_length(f, json, f->strsize);
    const std::uint64_t selector_length = string_length(f, selector, f->strsize);
    if (!canload(f, json, length + 1) || !canload(f, selector, selector_length + 1) ||
        !need_scratch(f, length + 1 + selector_length + 1))
        return 0;
    std::uint8_t* dst = scratch(f);
    const int parts = split_selector(f, dst + length + 1, selector, selector_length);
    if (!Json(f, dst, length, parts).run(json, f->strsize))
        return 0;
    return take_scratch(f, length + 1, dst);
}

} // namespace difjit::runtime
