// SPDX-License-Identifier: BSD-2-Clause
// The run-time options that the consumer obeys, read from the session when they can have changed.
//
// Covered by tests/engine/consumer/cases/*.
#ifndef DIFJIT_ENGINE_CONSUMER_SETTINGS_HPP
#define DIFJIT_ENGINE_CONSUMER_SETTINGS_HPP

#include <cstdint>
#include <optional>

#include <difjit/consumer.hpp>

#include "dif/options.hpp"
#include "engine/consumer/picture.hpp"

namespace difjit::consumer {

struct Settings {
    bool quiet = false, flowindent = false, rawbytes = false, temporal = false;
    bool aggsortkey = false, aggsortrev = false, agghist = false, aggpack = false;
    bool switching = true; ///< bufpolicy: buffers are read while the session runs
    std::uint64_t aggsortpos = 0, aggsortkeypos = 0, stackindent = 14, strsize = 256;
    PictureStyle picture;

    static Settings read(const Session& session, const ConsumerOptions& options) {
        auto value = [&](OptionId id) -> std::optional<std::uint64_t> {
            std::uint64_t option = session.option(static_cast<std::uint32_t>(id));
            return option == option_unset ? std::nullopt : std::optional(option);
        };
        auto set = [&](OptionId id) { return value(id).has_value(); };
        Settings s;
        s.quiet = options.quiet || set(OptionId::QUIET);
        s.flowindent = set(OptionId::FLOWINDENT);
        s.rawbytes = set(OptionId::RAWBYTES);
        s.temporal = set(OptionId::TEMPORAL);
        s.aggsortkey = set(OptionId::AGGSORTKEY);
        s.aggsortrev = set(OptionId::AGGSORTREV);
        s.agghist = set(OptionId::AGGHIST);
        s.aggpack = set(OptionId::AGGPACK);
        s.switching = value(OptionId::BUFPOLICY).value_or(2) == 2;
        s.aggsortpos = value(OptionId::AGGSORTPOS).value_or(0);
        s.aggsortkeypos = value(OptionId::AGGSORTKEYPOS).value_or(0);
        s.stackindent = value(OptionId::STACKINDENT).value_or(14);
        s.strsize = value(OptionId::STRSIZE).value_or(256);
        s.picture.zoom = set(OptionId::AGGZOOM);
        s.picture.utf8_bars = options.encoding == Encoding::utf8;
        s.picture.utf8_packed = options.encoding != Encoding::ascii;
        return s;
    }
};

} // namespace difjit::consumer

#endif
