// SPDX-License-Identifier: Apache-2.0
#include "cli/identity.hpp"

#include <stint/input.hpp>

#include "base/error.hpp"
#include "codec/frame.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <system_error>

namespace stint {
namespace {

using nlohmann::json;

// Paths need not be UTF-8, but JSON must be. Other bytes are encoded so that different paths stay different.
std::string as_utf8(const std::string& bytes) {
  std::string text;
  for (unsigned char c : bytes) {
    if (c < 0x80 && c != '\\') {
      text.push_back(static_cast<char>(c));
    } else {
      char code[8];
      std::snprintf(code, sizeof code, "\\x%02x", c);
      text += code;
    }
  }
  return text;
}

// None: not a text that as_utf8 writes.
std::optional<std::string> from_utf8(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes.push_back(text[i]);
      continue;
    }
    if (i + 3 >= text.size() || text[i + 1] != 'x') return std::nullopt;
    unsigned char byte = 0;
    const char* const end = text.data() + i + 4;
    if (const auto read = std::from_chars(end - 2, end, byte, 16); read.ec != std::errc() || read.ptr != end) return std::nullopt;
    bytes.push_back(static_cast<char>(byte));
    i += 3;
  }
  return bytes;
}

// None: not a list of texts.
std::optional<std::vector<std::string>> texts_in(const json& list) {
  if (!list.is_array()) return std::nullopt;
  std::vector<std::string> texts;
  for (const auto& item : list) {
    auto text = item.is_string() ? from_utf8(item.get_ref<const std::string&>()) : std::nullopt;
    if (!text) return std::nullopt;
    texts.push_back(*std::move(text));
  }
  return texts;
}

json texts_of(const Options::Entry& entry) {
  json list = json::array();
  for (const auto& text : entry.get()) list.push_back(as_utf8(text));
  return list;
}

std::string joined(const json& list) {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "" : " ") + item.get<std::string>();
  return text.size() > 60 ? text.substr(0, 57) + "..." : text;
}

// Throws json::exception if the field is not a number of files or bytes.
std::string count_in(const json& identity, const char* name) {
  const auto found = identity.find(name);
  return std::to_string(found == identity.end() ? 0 : found->get_ref<const json::number_unsigned_t&>());
}

// Throws json::exception if one of them is not an identity.
std::string difference_of(const json& left, const json& right) {
  if (left.value("job", "") != right.value("job", "")) {
    return "job " + left.value("job", "?") + ", here " + right.value("job", "?");
  }
  if (left.contains("options") && right.contains("options")) {
    const auto& old = left["options"];
    for (const auto& [name, value] : right["options"].items()) {
      if (!old.contains(name)) return name + " is new here";
      if (old[name] != value) return name + ": " + joined(old[name]) + ", here " + joined(value);
    }
  }
  if (left.value("paths", "") != right.value("paths", "")) {
    return "other input files (" + count_in(left, "files") + ", here " + count_in(right, "files") + ")";
  }
  if (left.value("input", "") != right.value("input", "")) {
    return "the input has changed (" + count_in(left, "bytes") + " bytes, here " + count_in(right, "bytes") + ", or newer files)";
  }
  return "other options";
}

}  // namespace

RunIdentity identify(AnyJob& job, const Options& options) {
  json content = json::object();
  std::string paths;
  std::string states;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  for (const auto& entry : options.entries()) {
    if (entry.inputs != nullptr) {
      if (entry.inputs->empty()) continue;
      for (const auto& file : entry.inputs->files()) {
        paths += file.path + '\0';
        states += std::to_string(file.size) + ' ' + std::to_string(file.modified) + '\n';
        files += 1;
        bytes += file.size;
      }
      // The files themselves count, not the words that name them.
    } else if (entry.kind == OptionKind::content) {
      content[entry.name] = entry.shown ? json::array({as_utf8(entry.shown())}) : texts_of(entry);
    }
  }
  const std::string source = job.source();
  if (!source.empty()) {
    paths += std::filesystem::current_path().string() + '\0';
    states += codec::digest(source);
    bytes += source.size();
  }
  const json whole{{"job", job.name()},
                   {"options", content},
                   {"files", files},
                   {"bytes", bytes},
                   {"paths", codec::digest(paths)},
                   {"input", codec::digest(states)}};
  RunIdentity identity;
  const std::string same = std::string(job.name()) + content.dump() + codec::digest(paths);
  identity.seed = codec::hash(std::string(job.name()) + content.dump());
  constexpr std::size_t digits = 12;  // 48 bits
  identity.beginning = std::string(job.name()) + "-" + codec::digest(same).substr(0, digits) + "-";
  identity.run = identity.beginning + codec::digest(states).substr(0, digits);
  identity.json = whole.dump();
  identity.with_source = !source.empty();
  return identity;
}

std::string program_of(const AnyJob& job) {
  if (!job.version().empty()) return std::string(job.name()) + " " + std::string(job.version());
  std::ifstream file("/proc/self/exe", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  return std::string(job.name()) + " program " + codec::digest(bytes);
}

std::string difference(const std::string& theirs, const std::string& ours) {
  const auto left = json::parse(theirs, nullptr, false);
  const auto right = json::parse(ours, nullptr, false);
  try {
    return difference_of(left, right);
  } catch (const json::exception&) {
    return "its description cannot be read";
  }
}

bool same_but_input(const std::string& theirs, const std::string& ours) {
  auto left = json::parse(theirs, nullptr, false);
  auto right = json::parse(ours, nullptr, false);
  if (!left.is_object() || !right.is_object()) return false;
  for (auto* side : {&left, &right}) {
    for (const auto* name : {"files", "bytes", "input"}) side->erase(name);
  }
  return left == right;
}

std::string options_json(const Options& options) {
  json all = json::object();
  for (const auto& entry : options.entries()) all[entry.name] = texts_of(entry);
  return all.dump();
}

std::map<std::string, std::vector<std::string>> stored_options(const std::string& text) {
  std::map<std::string, std::vector<std::string>> options;
  const auto all = json::parse(text, nullptr, false);
  if (!all.is_object()) return options;
  for (const auto& [name, values] : all.items()) {
    auto texts = texts_in(values);
    if (!texts) return {};
    options[name] = *std::move(texts);
  }
  return options;
}

void apply_options(Options& options, const std::string& text, bool content_only) {
  const auto all = json::parse(text, nullptr, false);
  const Error unreadable(Exit::damaged, "the options of the run on the blackboard cannot be read; --fresh begins anew");
  if (!all.is_object()) throw unreadable;
  for (const auto& entry : options.entries()) {
    if (content_only && entry.kind != OptionKind::content) continue;
    const auto found = all.find(entry.name);
    if (found == all.end()) continue;
    const auto texts = texts_in(*found);
    if (!texts) throw unreadable;
    try {
      entry.set(*texts);
    } catch (const std::invalid_argument& error) {
      throw Error(Exit::damaged, "option " + entry.name + " of the run on the blackboard: " + error.what());
    }
  }
}

}  // namespace stint
