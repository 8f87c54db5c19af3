// SPDX-License-Identifier: Apache-2.0
// Reads whole records by pread into one reused buffer. Not by mmap: if a mapped file is cut short,
// SIGBUS ends the process; here the error is one line of BadInput.
//
// A record belongs to the span that holds its first byte. So a reader needs only the last byte before its span: if that
// is not a separator, the span begins inside a record of an earlier span. The reader therefore starts to read
// one byte early, drops everything up to and including the first separator, and returns blocks that end after a
// separator. If the span ends inside a record, it reads on in small, growing steps to the end of that record.
#include <stint/error.hpp>
#include <stint/input.hpp>

#include "base/input_error.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace stint {
namespace {

constexpr std::size_t longest_record = std::size_t{1} << 30;
constexpr std::size_t first_step_beyond = 4096;  // bytes read after the span in one step; doubles with each step
constexpr std::uint64_t worth_advice = std::uint64_t{1} << 20;  // below that, the advice to the kernel is not worth its call

class Descriptor {
 public:
  Descriptor() = default;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(-1); }
  void reset(int number) {
    if (number_ >= 0) ::close(number_);
    number_ = number;
  }
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_ = -1;
};

std::string this_host() {
  char name[256] = "this host";
  ::gethostname(name, sizeof name - 1);
  return name;
}

/// The rank that planned could read the file, so the host is at fault, and this is one failed attempt: another may succeed.
[[noreturn]] void cannot_read(const std::string& path, int error) {
  throw std::runtime_error("input " + shown(path) + ": " + std::generic_category().message(error) + " on " + this_host() +
                           ": name files that every host can read");
}

}  // namespace

struct RecordReader::State {
  State(const Separators& bytes_that_end, std::size_t bytes)
      : separators(bytes_that_end), block_bytes(std::max<std::size_t>(bytes, 16)) {}

  // Constant after construction.
  const Separators separators;
  const std::size_t block_bytes;

  Descriptor descriptor;
  InputFile file;
  std::uint64_t position = 0;  ///< offset in the file of the next byte to read
  std::uint64_t end = 0;       ///< offset in the file of the end of the span
  bool skipping = false;       ///< no separator yet since the byte before the span
  bool finished = true;
  std::size_t step_beyond = first_step_beyond;

  std::unique_ptr<char[]> buffer;
  std::size_t capacity = 0;
  std::size_t filled = 0;  ///< bytes in the buffer
  std::size_t given = 0;   ///< bytes of the buffer that were returned
  std::uint64_t block_offset = 0;

  [[noreturn]] void changed(const std::string& how) const {
    throw BadInput("input " + shown(file.path) + ": changed since the run was planned (" + how + " on " +
                   this_host() + "): run the same command again, and it is planned anew");
  }

  void open(const Span& span) {
    finished = true;
    file = *span.file;
    if (span.length == 0) return;
    descriptor.reset(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (descriptor.get() < 0) cannot_read(file.path, errno);
    struct stat facts {};
    if (::fstat(descriptor.get(), &facts) != 0) cannot_read(file.path, errno);
    if (!S_ISREG(facts.st_mode)) changed("no regular file any more");
    const auto size = static_cast<std::uint64_t>(facts.st_size);
    if (size != file.size) changed(std::to_string(file.size) + " bytes then, " + std::to_string(size) + " now");
    if (static_cast<std::int64_t>(facts.st_mtim.tv_sec) * 1'000'000'000 + facts.st_mtim.tv_nsec != file.modified) {
      changed("its modification time");
    }
    if (span.length > worth_advice) {
      ::posix_fadvise(descriptor.get(), static_cast<::off_t>(span.offset), static_cast<::off_t>(span.length),
                      POSIX_FADV_SEQUENTIAL);
    }
    skipping = span.offset > 0;
    position = span.offset - (skipping ? 1 : 0);
    end = span.offset + span.length;
    step_beyond = first_step_beyond;
    filled = given = 0;
    finished = false;
    if (capacity > 64 * block_bytes) capacity = 0;  // one long record must not keep its memory for ever
  }

  /// Makes room for `more` bytes after the bytes kept, and moves these to the front.
  void make_room(std::size_t more) {
    const std::size_t kept = filled - given;
    if (kept + more > longest_record) {
      throw BadInput(file.path, position - kept,
                     "a record of more than 1 GiB begins here: cut the input, or name files of text");
    }
    if (kept + more + padding > capacity) {
      const std::size_t larger = std::max(kept + more + padding, std::min(2 * capacity, longest_record + padding));
      std::unique_ptr<char[]> fresh(new char[larger]);
      if (kept > 0) std::memcpy(fresh.get(), buffer.get() + given, kept);
      buffer = std::move(fresh);
      capacity = larger;
    } else if (kept > 0 && given > 0) {
      std::memmove(buffer.get(), buffer.get() + given, kept);
    }
    filled = kept;
    given = 0;
  }

  /// Reads exactly this many bytes: the file had them when it was opened.
  void read(std::size_t bytes) {
    while (bytes > 0) {
      const ::ssize_t got = ::pread(descriptor.get(), buffer.get() + filled, bytes, static_cast<::off_t>(position));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) cannot_read(file.path, errno);
      if (got == 0) changed("it ends at byte " + std::to_string(position));
      filled += static_cast<std::size_t>(got);
      position += static_cast<std::uint64_t>(got);
      bytes -= static_cast<std::size_t>(got);
    }
  }

  std::span<char> give(std::size_t stop) {
    const std::span<char> block(buffer.get() + given, stop - given);
    block_offset = position - filled + given;
    given = stop;
    return block;
  }

  std::span<char> next() {
    auto is_separator = [&](char byte) { return separators.contains(byte); };
    while (!finished) {
      const bool beyond = position >= end;
      const std::uint64_t left = (beyond ? file.size : end) - position;
      const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(left, beyond ? step_beyond : block_bytes));
      if (beyond) step_beyond = std::min(2 * step_beyond, block_bytes);
      make_room(bytes);
      const std::size_t fresh = filled;  // the bytes before it hold no separator
      read(bytes);
      char* const from = buffer.get() + fresh;
      char* const to = buffer.get() + filled;
      if (skipping) {
        char* const first = std::find_if(from, to, is_separator);
        skipping = first == to;
        given = skipping ? filled : static_cast<std::size_t>(first - buffer.get()) + 1;
        finished = position >= end && (skipping || given == filled);
        if (skipping || given == filled) continue;
      }
      if (beyond || position >= end) {
        // After the span, read only the end of the last record. The last byte of the span may be that end.
        char* const stop = beyond ? std::find_if(from, to, is_separator) : (is_separator(to[-1]) ? to - 1 : to);
        if (stop == to && position < file.size) continue;
        finished = true;
        return give(static_cast<std::size_t>(stop - buffer.get()) + (stop == to ? 0 : 1));
      }
      const auto last = std::find_if(std::make_reverse_iterator(to),
                                     std::make_reverse_iterator(buffer.get() + std::max(fresh, given)), is_separator);
      const auto stop = static_cast<std::size_t>(last.base() - buffer.get());
      if (stop > given && is_separator(buffer[stop - 1])) return give(stop);
    }
    descriptor.reset(-1);
    return {};
  }
};

RecordReader::RecordReader(const Separators& separators, std::size_t block_bytes)
    : state_(std::make_unique<State>(separators, block_bytes)) {}
RecordReader::RecordReader(RecordReader&&) noexcept = default;
RecordReader& RecordReader::operator=(RecordReader&&) noexcept = default;
RecordReader::~RecordReader() = default;

void RecordReader::open(const Span& span) { state_->open(span); }
std::span<char> RecordReader::next() { return state_->next(); }
std::uint64_t RecordReader::offset() const { return state_->block_offset; }

}  // namespace stint
