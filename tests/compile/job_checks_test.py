# SPDX-License-Identifier: Apache-2.0
"""What is not a job does not compile, with one error that names the cause; what is one compiles."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

CXX = os.environ["CXX"]
INCLUDE = os.environ["STINT_INCLUDE"]

# A whole job; a case replaces members by the first words before their colon, or adds some.
PARTS = {
    "name": 'static constexpr auto name = "job";',
    "plan": "auto plan(const stint::Context&) const { return stint::split(10, 1); }",
    "compute": "std::uint64_t compute(stint::Range r, const stint::Context&) const { return r.size(); }",
    "reduce": "void reduce(std::uint64_t& left, std::uint64_t right) const { left += right; }",
    "finish": "void finish(std::uint64_t n, stint::Output& out) const { out.text() << n; }",
}
MAIN = "int main(int argc, char** argv) { return stint::main<Job>(argc, argv); }\n"


def of_partial(partial, before=""):
    """The parts of a job whose compute returns this type."""
    return {
        "before": before,
        "compute": f"{partial} compute(stint::Range, const stint::Context&) const {{ return {{}}; }}",
        "reduce": f"void reduce({partial}&, {partial}) const {{}}",
        "finish": f"void finish({partial}, stint::Output&) const {{}}",
    }


FOLLOW = """
  void begin_follow(const stint::Split&, const stint::Context&) {}
  void follow(stint::Range, const std::uint64_t&, stint::Output&) {}
  void follow_failure(const stint::FailedChunk&, stint::Output&) {}
"""
ITEMS = "struct Items { const int* first; std::uint64_t size() const; int operator[](std::uint64_t) const; };"

# name of the case: (parts that differ, text of the only error)
WRONG = {
    "no_name": ({"name": ""}, "the job lacks: static constexpr auto name"),
    "name_of_each_object": ({"name": 'std::string name = "job";'}, "the job lacks: static constexpr auto name"),
    "no_plan": ({"plan": ""}, "the job lacks: plan(const stint::Context&)"),
    "plan_read_only_by_the_leader": (
        {"before": "struct Items { std::uint64_t size(); int operator[](std::uint64_t); };",
         "plan": "Items plan(const stint::Context&) const { return {}; }"}, "the job lacks: plan(const stint::Context&)"),
    "plan_with_a_pointer": (
        {"before": ITEMS, "plan": "Items plan(const stint::Context&) const { return {}; }",
         "compute": "std::uint64_t compute(int, const stint::Context&) const { return 1; }"},
        "the plan holds a pointer or a view"),
    "weights_not_const": (
        {"before": "struct Items : stint::Split { std::vector<double> weights(); };",
         "plan": "Items plan(const stint::Context&) const { return {}; }"}, "the plan's `weights` would never be called"),
    "no_compute": ({"compute": ""}, "the job lacks: compute(item"),
    "compute_not_const": (
        {"compute": "std::uint64_t compute(stint::Range, const stint::Context&) { return 1; }"},
        "the job lacks: compute(item"),
    "compute_of_other_items": (
        {"compute": "std::uint64_t compute(const std::string&, const stint::Context&) const { return 1; }"},
        "the job lacks: compute(item"),
    "compute_returns_nothing": (
        {"compute": "void compute(stint::Range, const stint::Context&) const {}"}, "`compute` returns nothing"),
    "scratch_not_const": (
        {"scratch": "int scratch(const stint::Context&) { return 1; }",
         "compute": "std::uint64_t compute(stint::Range, const stint::Context&, int&) const { return 1; }"},
        "`scratch` would never be called"),
    "scratch_that_compute_does_not_take": (
        {"scratch": "int scratch(const stint::Context&) const { return 1; }"}, "`compute` takes no scratch"),
    "scratch_returns_nothing": (
        {"scratch": "void scratch(const stint::Context&) const {}"}, "`scratch` returns nothing"),
    "no_reduce": ({"reduce": ""}, "the job lacks: reduce(Partial& left"),
    "reduce_that_returns": (
        {"reduce": "std::uint64_t reduce(std::uint64_t left, std::uint64_t right) const { return left + right; }"},
        "what `reduce` returns would be lost"),
    "reduce_of_a_copy": (
        {"reduce": "void reduce(std::uint64_t left, std::uint64_t right) const { left += right; }"},
        "`reduce` would change a copy"),
    "reduce_not_const": (
        {"reduce": "void reduce(std::uint64_t& left, std::uint64_t right) { left += right; }"},
        "the job lacks: reduce(Partial& left"),
    "no_finish": ({"finish": ""}, "the job lacks: finish(Partial"),
    "finish_of_another_type": (
        {"finish": "void finish(std::string, stint::Output&) const {}"}, "the job lacks: finish(Partial"),
    "options_by_value": ({"options": "void options(stint::Options) {}"}, "`options` would register nothing"),
    "options_private": ({"options": "private: void options(stint::Options&) {} public:"}, "`options` would"),
    "prepare_without_context": ({"prepare": "void prepare() {}"}, "`prepare` would never be called"),
    "prepare_in_a_final_job": (
        {"head": "struct Job final {", "prepare": "void prepare() {}"}, "`prepare` would never be called"),
    "prepare_private": (
        {"prepare": "private: void prepare(const stint::Context&) {} public:"}, "`prepare` would never be called"),
    "source_with_argument": (
        {"source": "std::string source(const stint::Context&) { return {}; }"}, "`source` would never be called"),
    "describe_not_const": (
        {"describe": "std::string describe(stint::Range) { return {}; }"}, "`describe` would never be called"),
    "empty_not_const": ({"empty": "std::uint64_t empty() { return 0; }"}, "`empty` would never be called"),
    "take_over_of_fewer": (
        {"take_over": "std::string take_over(const stint::Split&) { return {}; }"}, "`take_over` would never be called"),
    "follow_failure_alone": (
        {"follow": "void follow_failure(const stint::FailedChunk&, stint::Output&) {}"},
        "parts that follow the run would never be called"),
    "unload_alone": ({"follow": "void unload(std::uint64_t&) {}"}, "parts that follow the run would never be called"),
    "unload_of_a_copy": ({"follow": FOLLOW + "void unload(std::uint64_t) {}"}, "`unload` would never be called, or"),
    "follow_end_with_context": (
        {"follow": FOLLOW + "void follow_end(const stint::Context&) {}"}, "`follow_end` would never be called"),
    "version_is_a_number": ({"version": "static constexpr int version = 2;"}, "the job's `version` has to be"),
    "parallel_chunks_of_each_object": ({"parallel": "bool parallel_chunks = true;"}, "the job's `parallel_chunks` has"),
    "parallel_chunks_is_a_function": (
        {"parallel": "static constexpr bool parallel_chunks() { return true; }"}, "the job's `parallel_chunks` has"),
    "side_effects_private": (
        {"side": "private: static constexpr bool side_effects = true; public:"}, "the job's `side_effects` has"),
    "about_of_each_object": ({"about": 'std::string about = "what";'}, "the job's `about` has"),
    "constructor_with_arguments": ({"constructor": "explicit Job(int) {}"}, "a job has to be default constructible"),
    "partial_is_a_text_of_others": (of_partial("const char*"), "holds a pointer or a view"),
    "partial_is_a_view": (of_partial("std::string_view"), "holds a pointer or a view"),
    "partial_is_a_span": (of_partial("std::span<const double>"), "holds a pointer or a view"),
    "partial_with_views_inside": (
        of_partial("std::vector<std::string_view>"), "holds a pointer or a view"),
    "partial_with_a_pointer_in_a_field": (
        of_partial("Sum", "struct Sum { double sum[3]; struct { int n; const char* name; } best; };"),
        "holds a pointer or a view"),
    "partial_without_default": (
        of_partial("Sum", "struct Sum { double sum; explicit Sum(double s) : sum(s) {} };")
        | {"compute": "Sum compute(stint::Range, const stint::Context&) const { return Sum(1); }"},
        "has to be default constructible"),
}
RIGHT = {
    "the_least": {},
    "fields_with_names_of_parts": {
        "fields": "std::string source, describe; int scratch = 0; std::vector<double> empty; bool follow = false;"},
    "templates": {
        "compute": "template <class I, class C> auto compute(I item, C&) const { return item.size(); }",
        "reduce": "template <class L, class R> void reduce(L& left, R&& right) const { left += right; }",
        "finish": "template <class P> void finish(P&& n, stint::Output& out) const { out.text() << n; }",
        "prepare": "template <class C> void prepare(C& context) { context.log(name); }"},
    "all_parts": {
        "head": "struct Job final {",
        "constants": 'static constexpr std::string_view about = "a job", version = "1";'
                     "static constexpr bool parallel_chunks = true, side_effects = false;",
        "options": "std::uint64_t n = 1; void options(stint::Options& o) { o.add(\"n\", n, \"numbers\"); }",
        "source": "std::string source() { return {}; }",
        "prepare": "void prepare(stint::Context) {}",
        "scratch": "std::vector<double> scratch(const stint::Context&) const { return {}; }",
        "compute": "std::uint64_t compute(const stint::Range& r, stint::Context, std::vector<double>&) const { return r.size(); }",
        "describe": "static const char* describe(stint::Range) { return \"numbers\"; }",
        "empty": "int empty() const { return 0; }",
        "follow": FOLLOW + "void unload(std::uint64_t&) {} void follow_end(stint::Output&) {}",
        "take_over": "std::string take_over(const stint::Split&, const std::vector<std::uint64_t>&, "
                     "const std::vector<stint::FailedChunk>&) { return {}; }"},
    "partial_of_plain_fields": of_partial(
        "Sum", "enum class Kind { a }; struct Inner { int n; double x[2]; }; union Word { int i; float f; };"
               "struct Sum { double bins[1000]; Inner inner; std::array<Inner, 3> more; std::optional<int> best; Kind kind;"
               "Word word; char name[8]; std::complex<double> c; int a : 3, b : 5; };"),
    "partial_of_containers": of_partial("std::map<std::string, std::vector<std::pair<int, std::string>>>"),
    "partial_that_cannot_be_copied": of_partial(
        "Sum", "struct Sum { std::vector<int> n; Sum() = default; Sum(Sum&&) = default; Sum& operator=(Sum&&) = default;"
               "template <class A> void serialize(A& a, unsigned) { a & n; } };")
    | {"reduce": "void reduce(Sum& left, Sum right) const { left = std::move(right); }",
       "finish": "void finish(Sum, stint::Output&) const {}"},
}


class JobChecks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="stint-compile-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.header = cls.folder / "all.hpp"  # read once, for all programs
        cls.header.write_text("#include <stint/stint.hpp>\n#include <complex>\n#include <optional>\n#include <span>\n")
        done = cls.compile("-x", "c++-header", cls.header, "-o", f"{cls.header}.gch")
        assert done.returncode == 0, done.stderr

    @classmethod
    def compile(cls, *words, text=""):
        words = [str(word) for word in (CXX, "-std=c++20", "-Wall", "-Wextra", "-fopenmp", f"-I{INCLUDE}", *words)]
        return subprocess.run(words, input=text, capture_output=True, text=True, timeout=120,
                              env={**os.environ, "LC_ALL": "C"})

    def errors_of(self, parts):
        """The lines with an error that the compiler has for a job with these parts."""
        parts = {"before": "", "head": "struct Job {", **PARTS, **parts}
        text = "\n".join([*parts.values(), "};", MAIN])
        done = self.compile("-include", self.header, "-fsyntax-only", "-x", "c++", "-", text=text)
        return [line for line in done.stderr.splitlines() if "error:" in line], done.stderr

    def test_what_is_no_job_gets_one_error_that_names_the_cause(self):
        for name, (parts, message) in WRONG.items():
            with self.subTest(name):
                errors, everything = self.errors_of(parts)
                self.assertEqual(1, len(errors), everything)
                self.assertIn(message, errors[0])

    def test_what_is_a_job_compiles(self):
        for name, parts in RIGHT.items():
            with self.subTest(name):
                errors, everything = self.errors_of(parts)
                self.assertEqual(([], ""), (errors, everything))


if __name__ == "__main__":
    unittest.main()
