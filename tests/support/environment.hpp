// SPDX-License-Identifier: Apache-2.0
// The variables of Slurm and of launchers, for as long as this lives; whatever else there was of them is put aside. For
// unit tests of what reads them.
#pragma once

#include <cstdlib>
#include <map>
#include <string>

namespace stint::support {

class SlurmVariables {
 public:
  explicit SlurmVariables(const std::map<std::string, std::string>& given) {
    for (const auto* name : names) {
      if (const char* value = std::getenv(name)) before_[name] = value;
      ::unsetenv(name);
    }
    for (const auto& [name, value] : given) ::setenv(name.c_str(), value.c_str(), 1);
  }
  ~SlurmVariables() {
    for (const auto* name : names) ::unsetenv(name);
    for (const auto& [name, value] : before_) ::setenv(name.c_str(), value.c_str(), 1);
  }
  SlurmVariables(const SlurmVariables&) = delete;
  SlurmVariables& operator=(const SlurmVariables&) = delete;

 private:
  static constexpr const char* names[] = {
      "SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID",  "SLURM_RESTART_COUNT",
      "SLURM_NTASKS", "SLURM_CLUSTER_NAME", "SLURM_STEP_ID",        "SLURM_STEP_NUM_TASKS",
      "SLURM_PROCID", "SLURM_NODEID",       "SLURM_PTY_PORT",       "SLURM_STEP_TASKS_PER_NODE",
      "PMIX_RANK",    "PMI_RANK",           "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"};
  std::map<std::string, std::string> before_;
};

}  // namespace stint::support
