// SPDX-License-Identifier: Apache-2.0
// How a command ended, as a text, and many of them as few bytes.
#include "commands/record.hpp"

#include "support/records.hpp"

#include <gmock/gmock.h>

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace stint::commands {
namespace {

TEST(CommandsRecordTest, GoesThroughItsTextUnchanged) {
  Record record;
  record.number = std::numeric_limits<std::uint64_t>::max();
  record.exit = -1;
  record.signal = 64;
  record.start = 1700000000.1234567;
  record.seconds = 0.1;
  record.host = "node \"7\"\n";
  record.place = {"host.3", std::uint64_t{1} << 63, 1, std::numeric_limits<std::uint64_t>::max(), 0, ~std::uint64_t{0}, 0};
  for (int c = 0; c < 256; ++c) record.carried.out += static_cast<char>(c);
  record.carried.err = record.carried.out + '\x80';
  record.copy = {"host.0", 1, 2, 3, 4};
  const auto back = record_of(text_of(record));
  EXPECT_EQ(back.carried.out, record.carried.out);
  EXPECT_EQ(back.carried.err, record.carried.err);
  EXPECT_EQ(back.copy.log, record.copy.log);
  EXPECT_EQ(back.copy.err_bytes, record.copy.err_bytes);
  EXPECT_EQ(back.number, record.number);
  EXPECT_EQ(back.exit, record.exit);
  EXPECT_EQ(back.signal, record.signal);
  EXPECT_EQ(back.start, record.start) << "to the last bit";
  EXPECT_EQ(back.seconds, record.seconds);
  EXPECT_EQ(back.host, record.host);
  EXPECT_EQ(back.place.log, record.place.log);
  EXPECT_EQ(back.place.out_at, record.place.out_at);
  EXPECT_EQ(back.place.out_bytes, record.place.out_bytes);
  EXPECT_EQ(back.place.err_at, record.place.err_at);
  EXPECT_EQ(back.place.err_bytes, record.place.err_bytes);
  EXPECT_EQ(back.place.out_sum, record.place.out_sum);
  EXPECT_EQ(text_of(back), text_of(record));
}

TEST(CommandsRecordTest, OfATextThatIsNoneIsAnError) {
  const auto whole = text_of(Record{});
  for (const std::string& text : std::vector<std::string>{"", "{", "{}", "null", "[1]", "7", "\"text\"", whole.substr(0, whole.size() - 1),
                                       "{\"number\": 1}", std::string(1, '\xff'), whole.substr(0, whole.size() - 1) + ",\"exit\":1e300}",
                                       whole.substr(0, whole.size() - 1) + ",\"out_at\":1.5}"}) {
    EXPECT_THROW(record_of(text), std::exception) << text;
    EXPECT_FALSE(record_in(text)) << text;
  }
}

std::vector<std::string> texts_of(const std::vector<Record>& list) {
  std::vector<std::string> texts;
  for (const auto& record : list) texts.push_back(text_of(record));
  return texts;
}

// Of another host each, with another log.
Record made(std::uint64_t number, const std::string& host) {
  Record record;
  record.number = number;
  record.exit = number % 2 == 0 ? -1 : 3;
  record.signal = static_cast<std::int32_t>(number % 65);
  record.start = 1700000000.125;
  record.seconds = static_cast<double>(number) / 8;
  record.host = host;
  record.place = {host + ".0.run", number << 40, 300, std::numeric_limits<std::uint64_t>::max(), 0};
  return record;
}

TEST(CommandsRecordsTest, GiveBackWhatWasAdded) {
  auto carries = made(7, "node7");
  for (int c = 0; c < 256; ++c) carries.carried.err += static_cast<char>(c);
  auto copied = made(8, "node8");
  copied.copy = {"host.0", 1, 2, 3, 4};
  auto summed = copied;
  summed.place = {"host.0", 1, 2, 3, 4, 0x8000000000000001, 0xff};
  summed.copy = {"host.1", 1, 2, 3, 0, 7, 0};
  const std::vector<Record> all{carries, Record{}, copied, summed, made(1, "node7")};
  Records records;
  for (const auto& record : all) records.add(record);
  EXPECT_EQ(records.carried(), 256u);
  EXPECT_EQ(texts_of(list_of(records)), texts_of(all));
  const auto back = archive::decode<Records>(archive::encode(records));
  EXPECT_EQ(back.carried(), 256u);
  EXPECT_EQ(texts_of(list_of(back)), texts_of(all));
}

TEST(CommandsRecordsTest, AreMergedInTheirOrderWhateverTheirHosts) {
  std::vector<Record> all;
  std::vector<Records> parts;
  for (std::uint64_t i = 0; i < 12; ++i) {
    all.push_back(made(i + 1, "node" + std::to_string(i * 5 % 7)));
    if (i % 3 == 0) parts.emplace_back();
    parts.back().add(all.back());
  }
  Records merged;
  for (auto& part : parts) merged.add(archive::decode<Records>(archive::encode(part)));
  EXPECT_EQ(texts_of(list_of(merged)), texts_of(all));
}

// A partial is read whole before anybody uses it, so that what cannot be read is computed again.
TEST(CommandsRecordsTest, ThatCannotBeReadAreNoPartial) {
  Records records(made(1, "node1"));
  records.add(made(2, "node2"));
  const auto whole = archive::encode(records);
  const auto damaged = [&](const std::string& from, const std::string& to) {
    auto bytes = whole;
    const auto at = bytes.rfind(from);
    return at == bytes.npos ? "" : bytes.replace(at, from.size(), to);
  };
  const std::string carried(8, '\0');
  ASSERT_TRUE(whole.ends_with(carried));
  EXPECT_THROW(archive::decode<Records>(damaged("node2", "node1")), archive::DecodeError) << "a name that is there twice";
  EXPECT_THROW(archive::decode<Records>(damaged(carried, "\x07" + carried.substr(1))), archive::DecodeError);
  for (const std::size_t last : {1, 2}) {  // of the packed records: a number that goes on beyond their end
    auto bytes = whole;
    bytes[whole.size() - carried.size() - last] = '\xff';
    EXPECT_THROW(archive::decode<Records>(bytes), archive::DecodeError) << last;
  }
}

TEST(CommandsRecordsTest, CanBeChanged) {
  auto first = made(1, "a"), second = made(2, "b");
  first.carried.out = "text";
  Records records(first);
  records.add(second);
  records.change([](Record& record) {
    record.carried = {};
    record.host = "other";
  });
  EXPECT_EQ(records.carried(), 0u);
  first.carried = {};
  first.host = second.host = "other";
  EXPECT_EQ(texts_of(list_of(records)), texts_of({first, second}));
}

TEST(CommandsRecordsTest, TakeFewBytes) {
  Records records;
  for (std::uint64_t i = 0; i < 10000; ++i) {
    Record record;
    record.number = i + 1;
    record.start = 1700000000 + static_cast<double>(i);
    record.seconds = 1.5;
    record.host = "node7.cluster.example.org";
    record.place = {"node7.cluster.example.org.3.some-run", i * 100, 100, i * 10, 10};
    records.add(record);
  }
  EXPECT_LT(archive::encode(records).size(), 10000u * 32);
}

TEST(CommandsRecordsTest, BytesThatAreNoRecordAreAnError) {
  Names names;
  std::string packed;
  auto record = made(1, "node1");
  record.carried.out = "output";
  record.copy = record.place;
  pack(record, names, packed);
  for (std::size_t size = 0; size < packed.size(); ++size) {
    std::string_view cut = std::string_view(packed).substr(0, size);
    EXPECT_THROW(unpack(cut, names), std::runtime_error) << size;
  }
  std::string_view whole = packed;
  EXPECT_THROW(unpack(whole, Names{}), std::runtime_error) << "of names that are not there";
}

}  // namespace
}  // namespace stint::commands
