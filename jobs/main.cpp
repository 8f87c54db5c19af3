// SPDX-License-Identifier: Apache-2.0
// The program `stint`: Stint's command line with the jobs that come with it.
#include <stint/main.hpp>

#include "commands/commands.hpp"
#include "pi.hpp"
#include "sum.hpp"
#include "synthetic.hpp"
#include "wordcount.hpp"

int main(int argc, char** argv) { return stint::main<Wordcount, stint::commands::Commands, Sum, Pi, Synthetic>(argc, argv); }
