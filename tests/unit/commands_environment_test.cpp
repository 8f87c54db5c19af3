// SPDX-License-Identifier: Apache-2.0
#include "commands/environment.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <vector>

namespace stint::commands {
namespace {

using ::testing::ElementsAre;
using namespace std::string_literals;

TEST(CommandsEnvironmentTest, KnowsWhatALauncherAdds) {
  for (const char* variable :
       {"OMPI_COMM_WORLD_RANK=0", "OMPI_COMM_WORLD_LOCAL_SIZE=2", "OMPI_UNIVERSE_SIZE=2", "OMPI_ARGV=a b",
        "OMPI_COMMAND=env", "OMPI_FIRST_RANKS=0", "OMPI_MCA_ess=^singleton", "OMPI_MCA_ess_base_vpid=1",
        "OMPI_MCA_orte_hnp_uri=1.0;tcp://h:1", "OMPI_MCA_orte_ess_num_procs=2", "OMPI_MCA_pmix=^s1,s2",
        "OMPI_MCA_shmem_RUNTIME_QUERY_hint=mmap", "PMIX_RANK=0",
        "PMIX_NAMESPACE=1", "PMIX_SERVER_URI41=1.0;tcp4://h:1", "PMIX_GDS_MODULE=hash", "PMI_RANK=0", "PMI_FD=5",
        "SLURM_STEP_ID=0", "SLURM_STEPID=0", "SLURM_SRUN_COMM_PORT=1", "STINT_BOARD=redis://:secret@h:1",
        "STINT_STDIN=/f", "STINT_ENVIRONMENT=/f", "STINT_CALL=/f", "STINT_CALL_HOST=h", "STINT_START=0", "STINT_ARGUMENTS=x"})
    EXPECT_TRUE(is_of_launcher(variable)) << variable;
  for (const char* variable :
       {"OMPI_CC=clang", "OMPI_CXXFLAGS=-g", "OMPI_MCA_btl=self,tcp", "OMPI_MCA_mpi_yield_when_idle=1",
        "OMPI_MCA_pmix_base_verbose=1", "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_MCA_rmaps_base_oversubscribe=1", "OMPI_COMMANDER=x", "PMIX_MCA_gds=hash",
        "PMIX_RANKS=1", "PRTE_MCA_rmaps_default_mapping_policy=core", "PMI_MINE=1", "SLURM_JOB_ID=7", "SLURM_NTASKS=2",
        "STINT_HOME=/h", "STINT_SHELL=/bin/bash", "STINT_LEASE=5", "PATH=/bin", "OMP_NUM_THREADS=1", "BASH_FUNC_f%%=() { :; }",
        "A"})
    EXPECT_FALSE(is_of_launcher(variable)) << variable;
}

TEST(CommandsEnvironmentTest, IsTheUsersOwnWhereTheLauncherKeptIt) {
  const char* const here[] = {"PATH=/bin", "OMPI_COMM_WORLD_RANK=0", "OMPI_CC=x", "ADDED=1", nullptr};
  EXPECT_THAT(user_environment(here, nullptr), ElementsAre("PATH=/bin", "OMPI_CC=x", "ADDED=1"));
  EXPECT_THAT(user_environment(here, "/nowhere/at/all"), ElementsAre("PATH=/bin", "OMPI_CC=x", "ADDED=1"));
  support::TemporaryFolder folder;
  const auto kept = folder.write("kept", "PATH=/usr/bin\0OMPI_COMM_WORLD_RANK=7\0LINES=a\nb\0STINT_BOARD=p\0"s);
  EXPECT_THAT(user_environment(here, kept.c_str()), ElementsAre("PATH=/usr/bin", "OMPI_COMM_WORLD_RANK=7", "LINES=a\nb"));
}

TEST(CommandsEnvironmentTest, AVariableIsThereOnce) {
  std::vector<std::string> environment{"A=1", "AB=2"};
  set_variable(environment, "A=3");
  EXPECT_THAT(environment, ElementsAre("AB=2", "A=3"));
}

TEST(CommandsEnvironmentTest, FindsAProgramByThePathGiven) {
  support::TemporaryFolder folder;
  std::filesystem::create_directories(folder.path() / "bin/folder");
  for (const char* name : {"bin/mine", "bin/plain"}) folder.write(name, "");
  const std::string bin = folder.path() / "bin";
  std::filesystem::permissions(bin + "/mine", std::filesystem::perms::owner_all);
  EXPECT_EQ(find_program("mine", {"PATH=/nowhere:" + bin}, ""), bin + "/mine");
  EXPECT_EQ(find_program("mine", {"PATH=bin"}, folder.path()), "bin/mine");
  EXPECT_EQ(find_program("mine", {"PATH=/nowhere:"}, bin), "./mine") << "an empty part is the present folder";
  EXPECT_EQ(find_program("./mine", {"PATH=" + bin}, ""), "./mine");
  EXPECT_EQ(find_program("plain", {"PATH=" + bin}, ""), bin + "/plain") << "starting it says that it may not be executed";
  for (const char* name : {"folder", "missing"}) EXPECT_EQ(find_program(name, {"PATH=" + bin}, ""), "") << name;
  EXPECT_EQ(find_program("sh", {}, ""), "/bin/sh");
}

}  // namespace
}  // namespace stint::commands
