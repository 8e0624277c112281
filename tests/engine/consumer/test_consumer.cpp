// SPDX-License-Identifier: BSD-2-Clause
// What a golden case cannot show: files of freopen(), commands, early ends of documents.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <unistd.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "dif/actions.hpp"
#include "engine/consumer/fake_session.hpp"
#include "engine/engine.hpp"

#include <difjit/consumer.hpp>

namespace difjit::test {

class ConsumerTest : public testing::Test {
  protected:
    void SetUp() override {
        session_.options = {{"strsize", 256}, {"bufpolicy", 2}, {"temporal", 1}, {"quiet", 1}};
        session_.rounds.resize(1);
        options_.write = [this](std::string_view text) { output_ += text; };
        options_.report = [this](std::string_view text) { report_ += text; };
        path_ = std::filesystem::temp_directory_path() /
                ("difjit-freopen-" + std::to_string(::getpid()));
        std::filesystem::remove(path_);
    }
    void TearDown() override { std::filesystem::remove(path_); }

    /// One more ECB with one string record, and a firing of it.
    void fire(ActionKind kind, const std::string& format, const std::string& text,
              std::uint64_t arg = 0) {
        auto epid = static_cast<std::uint32_t>(session_.ecbs.size() + 1);
        RecordInfo record;
        record.kind = static_cast<std::uint32_t>(kind);
        record.size = 64;
        record.offset = 12;
        record.arg = arg;
        if (!format.empty())
            record.format = format;
        EcbInfo ecb;
        ecb.epid = epid;
        ecb.size = 76;
        ecb.probe = {3, "p", "m", "f", "n"};
        ecb.records = {record};
        session_.ecbs[epid] = ecb;
        auto& data = session_.rounds[0].buffers[0].data;
        std::size_t at = data.size();
        data.resize(at + ecb.size);
        engine::RecordHeader header{epid, 0, epid};
        std::memcpy(data.data() + at, &header, sizeof header);
        std::memcpy(data.data() + at + record.offset, text.data(), text.size());
    }

    Result<void> run() {
        auto consumer = Consumer::create(session_, options_);
        consumer->begin();
        auto done = consumer->end();
        totals_ = consumer->totals();
        return done;
    }

    std::string file() {
        std::ifstream stream(path_);
        std::stringstream text;
        text << stream.rdbuf();
        return text.str();
    }

    FakeSession session_;
    ConsumerOptions options_;
    Consumer::Totals totals_;
    std::string output_, report_;
    std::filesystem::path path_;
};

TEST_F(ConsumerTest, FreopenSendsActionsToAFileAndBack) {
    fire(ActionKind::PRINTF, "%s\n", "before");
    fire(ActionKind::FREOPEN, "%s", path_.string());
    fire(ActionKind::PRINTF, "%s\n", "inside");
    fire(ActionKind::FREOPEN, ".", "");
    fire(ActionKind::PRINTF, "%s\n", "after");
    ASSERT_TRUE(run());
    EXPECT_EQ(output_, "before\nafter\n\n");
    EXPECT_EQ(file(), "inside\n");
}

TEST_F(ConsumerTest, FreopenAppends) {
    std::ofstream(path_) << "old\n";
    fire(ActionKind::FREOPEN, "%s", path_.string());
    fire(ActionKind::PRINTF, "%s\n", "new");
    ASSERT_TRUE(run());
    EXPECT_EQ(file(), "old\nnew\n");
}

TEST_F(ConsumerTest, FtruncateEmptiesTheFile) {
    fire(ActionKind::FREOPEN, "%s", path_.string());
    fire(ActionKind::PRINTF, "%s\n", "first");
    fire(ActionKind::LIBACT, "", "", libact_argument(Dialect::freebsd, LibAction::FTRUNCATE));
    fire(ActionKind::PRINTF, "%s\n", "second");
    ASSERT_TRUE(run());
    EXPECT_EQ(file(), "second\n");
}

TEST_F(ConsumerTest, FreopenThatFailsIsAnErrorOfItsProbe) {
    fire(ActionKind::FREOPEN, "%s", "/nonexistent/difjit/file");
    fire(ActionKind::PRINTF, "%s\n", "still here");
    ASSERT_TRUE(run());
    EXPECT_EQ(output_, "still here\n\n");
    EXPECT_EQ(report_, "dtrace: error on enabled probe ID 1 (ID 3: p:m:f:n): couldn't freopen() "
                       "\"/nonexistent/difjit/file\": No such file or directory\n");
    EXPECT_EQ(totals_.errors, 1u);
}

TEST_F(ConsumerTest, JsonStaysInOnePlace) {
    options_.format = OutputFormat::json;
    fire(ActionKind::FREOPEN, "%s", path_.string());
    fire(ActionKind::PRINTF, "%s", "inside");
    ASSERT_TRUE(run());
    EXPECT_FALSE(std::filesystem::exists(path_));
    auto probes = nlohmann::json::parse(output_)["dtrace"]["probes"];
    EXPECT_EQ(probes[1]["output"][0]["message"], "inside");
}

TEST_F(ConsumerTest, SystemRunsTheCommandInOrder) {
    options_.run_command = [this](const std::string& command) {
        output_ += "<" + command + ">";
        return 0;
    };
    fire(ActionKind::PRINTF, "%s ", "one");
    fire(ActionKind::SYSTEM, "run %s", "two");
    fire(ActionKind::PRINTF, " %s", "three");
    ASSERT_TRUE(run());
    EXPECT_EQ(output_, "one <run two> three\n");
}

TEST_F(ConsumerTest, LibraryActionsGoByTheDialect) {
    // FreeBSD 11 has one more subroutine, so its number of clear() is FreeBSD 12's of normalize().
    options_.dialect = Dialect::freebsd11;
    fire(ActionKind::FREOPEN, "%s", path_.string());
    fire(ActionKind::PRINTF, "%s\n", "kept");
    fire(ActionKind::LIBACT, "", "", libact_argument(Dialect::freebsd11, LibAction::FTRUNCATE));
    fire(ActionKind::PRINTF, "%s\n", "new");
    ASSERT_TRUE(run());
    EXPECT_EQ(file(), "new\n");
}

TEST_F(ConsumerTest, ADocumentIsClosedThoughTheRunEndsEarly) {
    options_.format = OutputFormat::json;
    fire(ActionKind::PRINTF, "%s", "text");
    {
        auto consumer = Consumer::create(session_, options_);
        consumer->begin();
        ASSERT_TRUE(consumer->work());
        // At every moment a "]}}" makes what is there a document.
        EXPECT_TRUE(nlohmann::json::accept(output_ + "]}}"));
    }
    EXPECT_TRUE(nlohmann::json::accept(output_));
}

TEST_F(ConsumerTest, ADocumentThatWasNotBegunIsNotClosed) {
    options_.format = OutputFormat::json;
    {
        auto consumer = Consumer::create(session_, options_);
    }
    EXPECT_EQ(output_, "");
}

TEST_F(ConsumerTest, NobodyNeedsToListen) {
    options_.write = nullptr;
    options_.report = nullptr;
    fire(ActionKind::PRINTF, "%s", "text");
    session_.rounds[0].buffers[0].drops = 2;
    EXPECT_TRUE(run());
    EXPECT_EQ(totals_.records, 1u);
    EXPECT_EQ(totals_.drops, 2u);
}

} // namespace difjit::test
