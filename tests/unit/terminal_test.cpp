// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fcntl.h>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>

namespace stint {
namespace {

using testing::HasSubstr;

const BarFields half{"sum-1a2b", 0.5, {"50%", "5/10 chunks", "3.0 s left", "1 failed", "2.0/s", "4 ranks"}};

/// Both ends of a pipe, and what was written to it.
class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  }
  ~Pipe() {
    close_reader();
    close_writer();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  [[nodiscard]] int writer() const { return ends_[1]; }
  void close_reader() { close(ends_[0]); }
  void close_writer() { close(ends_[1]); }
  /// All that is written before the last writer closes.
  std::string read_all() {
    std::string all;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(ends_[0], buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<std::size_t>(got));
    return all;
  }
  std::string text() {
    close_writer();
    return read_all();
  }

 private:
  static void close(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }
  int ends_[2];
};

/// Both descriptors are the same terminal.
Terminal::Setup screen_at(const Pipe& pipe) {
  Terminal::Setup setup;
  setup.out = setup.err = pipe.writer();
  setup.screen = setup.meets = true;
  return setup;
}

Terminal::Setup files_at(const Pipe& out, const Pipe& err) {
  Terminal::Setup setup;
  setup.out = out.writer();
  setup.err = err.writer();
  return setup;
}

std::string what_fails(const std::function<void()>& step) {
  try {
    step();
  } catch (const ReaderGone&) {
    return "reader gone";
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(BarFieldsTest, GoThroughALineOfText) {
  const BarFields empty;
  for (const auto& fields : {half, empty, BarFields{"r", 1.0 / 3, {""}}}) {
    EXPECT_EQ(BarFields::decode(fields.encode()), fields) << fields.encode();
  }
  const BarFields hostile{"run\n", 0.25, {"a\tb\x1b[2Jc\n", "d"}};
  EXPECT_EQ(hostile.encode().find_first_of("\n\x1b"), std::string::npos);
  EXPECT_EQ(BarFields::decode(hostile.encode()), (BarFields{"run ", 0.25, {"a b [2Jc ", "d"}}));
}

TEST(BarFieldsTest, AreNotTakenFromAnotherText) {
  for (const char* text : {"", "run", "run\tx", "run\t", "run\t0.5x\ta", "run\tnan", "run\t2", "run\t-0.1"}) {
    EXPECT_FALSE(BarFields::decode(text)) << text;
  }
}

TEST(BarTextTest, LosesFieldsAndNeverWraps) {
  const struct {
    int columns;
    const char* text;
  } rows[] = {
      {100, "[####################....................] 50%  5/10 chunks  3.0 s left  1 failed  2.0/s  4 ranks"},
      {75, "[######......] 50%  5/10 chunks  3.0 s left  1 failed  2.0/s  4 ranks"},
      {60, "50%  5/10 chunks  3.0 s left  1 failed  2.0/s  4 ranks"},
      {54, "50%  5/10 chunks  3.0 s left  1 failed  2.0/s"},
      {40, "50%  5/10 chunks  3.0 s left  1 failed"},
      {20, "50%  5/10 chunks"},
      {10, "50%"},
      {3, "50"},
      {1, "5"},
      {0, "5"},
  };
  for (const auto& row : rows) {
    const auto text = bar_text(half, row.columns, false);
    if (row.columns == 75) {
      EXPECT_EQ(text.substr(text.find("50%")), "50%  5/10 chunks  3.0 s left  1 failed  2.0/s  4 ranks");
      EXPECT_EQ(text.size(), 74U);
    } else {
      EXPECT_EQ(text, row.text) << row.columns;
    }
  }
  EXPECT_THAT(bar_text(half, 100, true), HasSubstr("\x1b[36m["));
}

TEST(TerminalTest, ClearsTheBarWritesAndDrawsItAgain) {
  Pipe pipe;
  Terminal terminal(screen_at(pipe));
  const std::string bar = bar_text(half, 80, false);
  terminal.bar(half);
  terminal.out("one\n");
  terminal.line("a word");
  terminal.err("err\n");
  terminal.end_bar();
  terminal.line("end");
  const std::string gone = "\r\x1b[K";
  EXPECT_EQ(pipe.text(),
            bar + gone + "one\n" + bar + gone + "stint: a word\n" + bar + gone + "err\n" + bar + gone + "stint: end\n");
  EXPECT_EQ(terminal.written(), 4U);
}

TEST(TerminalTest, DrawsNoBarBehindTheLastLine) {
  Pipe pipe;
  Terminal terminal(screen_at(pipe));
  terminal.bar(half);
  terminal.last_line("ends at once");
  terminal.bar(half);
  terminal.line("said by another thread");
  EXPECT_THAT(pipe.text(), testing::EndsWith("\r\x1b[Kstint: ends at once\nstint: said by another thread\n"));
}

TEST(TerminalTest, LeavesAnUnfinishedLineAlone) {
  Pipe pipe;
  Terminal terminal(screen_at(pipe));
  const std::string bar = bar_text(half, 80, false);
  terminal.bar(half);
  terminal.out("no ");
  terminal.bar(half);  // the rest of the line may come at once
  terminal.out("end");
  terminal.bar(half);
  terminal.bar(half);
  terminal.end_bar();
  terminal.out("last");
  terminal.line("done");
  const std::string gone = "\r\x1b[K";
  EXPECT_EQ(pipe.text(), bar + gone + "no end\n" + bar + gone + "last\nstint: done\n");
}

TEST(TerminalTest, AsksForTheWidthAtEachDrawing) {
  Pipe pipe;
  int columns = 80;
  auto setup = screen_at(pipe);
  setup.columns = [&] { return columns; };
  Terminal terminal(setup);
  terminal.bar(half);
  columns = 20;
  terminal.bar(half);
  EXPECT_EQ(pipe.text(), bar_text(half, 80, false) + "\r\x1b[K" + "50%  5/10 chunks");
}

TEST(TerminalTest, WritesLinesWhereABarCannotBeDrawn) {
  Pipe out, err;
  Terminal terminal(files_at(out, err));
  terminal.bar(half);
  terminal.set_seconds_between_lines(0);
  terminal.bar(half);
  terminal.out("no line end");
  terminal.line("a word");
  terminal.end_bar();
  EXPECT_EQ(err.text(), "stint: sum-1a2b: 50%  5/10 chunks  3.0 s left  1 failed  2.0/s  4 ranks\nstint: a word\n");
  EXPECT_EQ(out.text(), "no line end");
}

TEST(TerminalTest, WaitsForAFullPipeThatDoesNotBlock) {
  Pipe out, err;
  ::fcntl(out.writer(), F_SETFL, O_NONBLOCK);
  Terminal terminal(files_at(out, err));
  const std::string much(3 << 20, 'x');
  std::thread writer([&] {
    terminal.out(much);
    out.close_writer();
  });
  const auto got = out.read_all();
  writer.join();
  EXPECT_TRUE(got == much) << got.size();
  EXPECT_EQ(terminal.written(), much.size());
}

TEST(TerminalTest, SaysWhatCouldNotBeWritten) {
  Pipe out, err;
  auto setup = files_at(out, err);
  setup.out = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  EXPECT_EQ(what_fails([&] { Terminal(setup).out("x"); }), "cannot write to stdout: No space left on device");
  ::close(setup.out);
  setup.out = setup.err = ::open("/dev/null", O_RDONLY | O_CLOEXEC);  // as main opens what was closed
  EXPECT_EQ(what_fails([&] { Terminal(setup).out("x"); }), "stdout is closed; what should go there is lost");
  EXPECT_EQ(what_fails([&] { Terminal(setup).err("x"); }), "stderr is closed; what should go there is lost");
  EXPECT_EQ(what_fails([&] { Terminal(setup).line("x"); }), "");
  EXPECT_EQ(what_fails([&] { Terminal(setup).out(""); }), "");
  ::close(setup.out);
}

TEST(TerminalTest, FallsSilentWhenTheReaderIsGone) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  Pipe out, err;
  out.close_reader();
  Terminal terminal(files_at(out, err));
  EXPECT_EQ(what_fails([&] { terminal.out("x"); }), "reader gone");
  EXPECT_TRUE(terminal.reader_gone());
  terminal.line("not said");
  EXPECT_EQ(err.text(), "");

  Pipe other;
  auto setup = files_at(out, other);
  setup.broken_pipe_is_an_error = true;
  EXPECT_EQ(what_fails([&] { Terminal(setup).out("x"); }), "cannot write to stdout: Broken pipe");
  std::signal(SIGPIPE, before);
}

TEST(TerminalDeathTest, EndsAsAPipelineExpects) {
  EXPECT_EXIT(
      {
        std::signal(SIGPIPE, SIG_IGN);
        end_of_pipe();
      },
      testing::KilledBySignal(SIGPIPE), "");
}

}  // namespace
}  // namespace stint
