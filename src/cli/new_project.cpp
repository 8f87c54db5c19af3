// SPDX-License-Identifier: Apache-2.0
#include "cli/new_project.hpp"

#include "base/error.hpp"
#include "cli/templates.hpp"

#include <algorithm>
#include <array>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string_view>
#include <system_error>

namespace stint {
namespace {

constexpr std::size_t longest_name = 40;
/// Targets that CMake reserves, and the folder in which the project is built.
constexpr std::array<std::string_view, 6> reserved{"all", "build", "clean", "help", "install", "test"};

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

void check_name(const std::string& name) {
  const auto allowed = [](char c) { return is_lower(c) || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
  if (name.empty() || name.size() > longest_name || !is_lower(name[0]) || !std::ranges::all_of(name, allowed)) {
    throw Error(Exit::usage, "cannot name a project '" + name + "': a name begins with a letter from a to z and goes on "
                             "with such letters, digits, '_' and '-', " + std::to_string(longest_name) + " in all at most");
  }
  if (std::ranges::find(reserved, name) != reserved.end()) {
    throw Error(Exit::usage, "cannot name a project '" + name + "': CMake uses this name itself; choose another");
  }
}

/// my-first_job → MyFirstJob
std::string type_name(const std::string& name) {
  std::string type;
  bool begins = true;
  for (const char c : name) {
    if (c == '_' || c == '-') {
      begins = true;
      continue;
    }
    type += begins && is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
    begins = false;
  }
  return type;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// The option with which CMake finds this Stint, after a space; empty: CMake looks there by default. The package is
// beside the library of this code, installed or in its build folder.
std::string cmake_option() {
  Dl_info code{};
  if (::dladdr(reinterpret_cast<const void*>(&cmake_option), &code) == 0 || code.dli_fname == nullptr) return "";
  std::error_code error;
  const auto folder = std::filesystem::canonical(code.dli_fname, error).parent_path();
  for (const auto* place : {"cmake/stint", "..", "../lib/cmake/stint", "../lib64/cmake/stint"}) {
    const auto package = (folder / place).lexically_normal();
    if (!std::filesystem::exists(package / "stint-config.cmake", error)) continue;
    const auto path = package.string();
    if (path.starts_with("/usr/lib") || path.starts_with("/usr/local/lib")) return "";
    const bool plain = path.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+") == path.npos;
    return plain ? " -Dstint_DIR=" + path : " '-Dstint_DIR=" + path + "'";
  }
  return "";
}

}  // namespace

void new_project(const std::string& name, std::ostream& out) {
  check_name(name);
  const std::filesystem::path folder = name;
  std::error_code error;
  if (!std::filesystem::create_directory(folder, error)) {
    throw Error(Exit::usage, "cannot make the folder '" + name + "': " +
                                 (error ? error.message() + "; go to a folder that you may write to"
                                        : "it is there already; choose another name"));
  }
  const std::string type = type_name(name);
  const std::string configure = "cmake -B build" + cmake_option();
  for (auto [file, text] : templates::files) {
    replace_all(text, "{{name}}", name);
    replace_all(text, "{{Name}}", type);
    replace_all(text, "{{configure}}", configure);
    if (file == "job.cpp") file = name + ".cpp";
    if (file == "run.sbatch") {  // Stint's own script, with the name of another program
      replace_all(text, "${STINT:-stint}", "${STINT:-$SLURM_SUBMIT_DIR/build/" + name + "}");
      replace_all(text, "--job-name=stint", "--job-name=" + name);
      replace_all(text, "slurm/run.sbatch wordcount /data/corpus", "run.sbatch");
      replace_all(text, "(slurm/rerun.sbatch)", "(" + name + " rerun last)");
      replace_all(text, "STINT names the program when it is not on the PATH.", "STINT names the program when it is not build/" + name + ".");
    }
    std::ofstream stream(folder / file, std::ios::binary);
    stream << text;
    stream.close();
    if (!stream) {
      std::filesystem::remove_all(folder, error);
      throw Error(Exit::usage, "cannot write '" + (folder / file).string() + "': is there room on the disk?");
    }
  }
  out << "Made " << name << "/. Next:\n"
      << "  cd " << name << "\n"
      << "  " << configure << " && cmake --build build && ctest --test-dir build\n"
      << "  build/" << name << " run -n 4 --points 1e10\n";
}

}  // namespace stint
