// SPDX-License-Identifier: BSD-2-Clause
// Glob matching with a bounded depth: the reference's rules, its odd ones too.

#include "engine/match.hpp"

namespace difjit::engine {
namespace {

constexpr int depth_limit = 8; // DTRACE_PROBEKEY_MAXDEPTH

/// Takes a possibly escaped character; false: the pattern ends here.
bool take_escaped(const char*& pattern, char& c) {
    c = *pattern;
    if (c == '\0')
        return false;
    ++pattern;
    if (c != '\\')
        return true;
    c = *pattern;
    if (c == '\0')
        return false;
    ++pattern;
    return true;
}

/// A bracket expression behind its '['. A negated one fails at the first member that is met, as in
/// the reference, where the end of a range is also compared as a single character.
bool match_set(char subject, const char*& pattern) {
    if (subject == '\0')
        return false;
    const bool negated = *pattern == '!';
    if (negated)
        ++pattern;
    bool ok = false;
    char low = '\0';
    char c = *pattern;
    if (c == '\0')
        return false;
    ++pattern;
    do {
        if (c == '-' && low != '\0' && *pattern != ']') {
            if (!take_escaped(pattern, c))
                return false;
            const bool inside = low <= subject && subject <= c;
            if (negated && inside)
                return false;
            ok = ok || negated || inside;
        } else if (c == '\\') {
            c = *pattern;
            if (c == '\0')
                return false;
            ++pattern;
        }
        low = c;
        if (negated && subject == c)
            return false;
        ok = ok || negated || subject == c;
        c = *pattern;
        if (c == '\0')
            return false;
        ++pattern;
    } while (c != ']');
    return ok;
}

/// One element of the pattern that is no star; false: it does not match the character.
bool match_one(char subject, const char*& pattern) {
    char c = *pattern++;
    if (c == '[')
        return match_set(subject, pattern);
    if (c == '?')
        return subject != '\0';
    if (c == '\\') {
        c = *pattern;
        if (c == '\0')
            return false;
        ++pattern;
    }
    return c == subject;
}

bool equal(const char* a, const char* b) {
    while (*a != '\0' && *a == *b) {
        ++a;
        ++b;
    }
    return *a == *b;
}

} // namespace

int match_glob(const char* string, const char* pattern) {
    // Only the last star is ever tried again: what stands before it has matched as far left as it
    // can, and a later place leaves less for the rest. So the time is the product of the lengths at
    // most, where the reference's recursion (with the same answers) takes its eighth power.
    const char* retry_string = nullptr;
    const char* retry_pattern = nullptr;
    int depth = 0;
    for (;;) {
        if (*pattern == '*') {
            while (*pattern == '*')
                ++pattern;
            if (*pattern == '\0')
                return 1;
            if (*string == '\0')
                return 0;
            if (++depth > depth_limit)
                return -1;
            retry_string = string;
            retry_pattern = pattern;
            continue;
        }
        if (*pattern == '\0' && *string == '\0')
            return 1;
        if (*pattern != '\0' && *string != '\0' && match_one(*string, pattern)) {
            ++string;
            continue;
        }
        if (retry_string == nullptr || *++retry_string == '\0')
            return 0;
        string = retry_string;
        pattern = retry_pattern;
    }
}

int match_part(const char* string, const char* pattern) {
    if (*pattern == '\0')
        return 1;
    for (const char* p = pattern; *p != '\0'; ++p)
        if (*p == '[' || *p == '?' || *p == '*' || *p == '\\')
            return match_glob(string, pattern);
    return equal(string, pattern) ? 1 : 0;
}

bool match_probe(const ProbeNames& probe, const ProbeNames& description) {
    if (*description.provider == '\0' && *description.module == '\0' &&
        *description.function == '\0' && *description.name == '\0')
        return *probe.function != '\0';
    return match_part(probe.provider, description.provider) > 0 &&
           match_part(probe.module, description.module) > 0 &&
           match_part(probe.function, description.function) > 0 &&
           match_part(probe.name, description.name) > 0;
}

} // namespace difjit::engine
