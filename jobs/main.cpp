// SPDX-License-Identifier: Apache-2.0
// The program `stint`: Stint's command line with its built-in jobs.
#include <stint/detail/affinity.hpp>
#include <stint/main.hpp>

#include "commands/commands.hpp"
#include "pi.hpp"
#include "sum.hpp"
#include "synthetic.hpp"
#include "wordcount.hpp"

// Before any library starts: libgomp would bind the process if the user set OMP_PROC_BIND for the commands.
__attribute__((section(".preinit_array"), used)) static void (*const note_first)() = stint::note_affinity;

int main(int argc, char** argv) { return stint::main<Wordcount, stint::commands::Commands, Sum, Pi, Synthetic>(argc, argv); }
