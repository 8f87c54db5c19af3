// SPDX-License-Identifier: Apache-2.0
#include "environment.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <fstream>
#include <iterator>

namespace stint::commands {
namespace {

// Found by comparing `mpirun -n 1 env` with `env`. A name that ends with * stands for all names with that beginning.
constexpr std::string_view of_mpi[] = {
    // Open MPI 4 and 5: set for a rank
    "HFI_NO_BACKTRACE", "IPATH_NO_BACKTRACE", "OMPI_APP_CTX_NUM_PROCS", "OMPI_ARGV", "OMPI_COMMAND",
    "OMPI_COMM_WORLD_*", "OMPI_FILE_LOCATION", "OMPI_FIRST_RANKS", "OMPI_NUM_APP_CTX", "OMPI_PARENT_PORT",
    "OMPI_UNIVERSE_SIZE",
    // and options of mpirun that it passes in this way
    "OMPI_MCA_ess", "OMPI_MCA_ess_base_*", "OMPI_MCA_initial_wdir",
    "OMPI_MCA_mpi_oversubscribe", "OMPI_MCA_orte_app_num", "OMPI_MCA_orte_base_applied_binding",
    "OMPI_MCA_orte_bound_at_launch", "OMPI_MCA_orte_cpu_type", "OMPI_MCA_orte_enable_recovery",
    "OMPI_MCA_orte_ess_*", "OMPI_MCA_orte_externally_bound", "OMPI_MCA_orte_hnp_uri",
    "OMPI_MCA_orte_jobfam_session_dir", "OMPI_MCA_orte_launch", "OMPI_MCA_orte_local_daemon_uri",
    "OMPI_MCA_orte_num_nodes", "OMPI_MCA_orte_num_restarts", "OMPI_MCA_orte_parent_uri",
    "OMPI_MCA_orte_precondition_transports", "OMPI_MCA_orte_tmpdir_base", "OMPI_MCA_orte_top_session_dir",
    "OMPI_MCA_pmix", "OMPI_MCA_shmem_RUNTIME_QUERY_hint",
    // PRRTE, PMIx
    "PRTE_LAUNCHED", "PMIX_BFROP_BUFFER_TYPE", "PMIX_DSTORE_*", "PMIX_GDS_MODULE", "PMIX_HOSTNAME", "PMIX_ID",
    "PMIX_KEEPALIVE_PIPE", "PMIX_LAUNCHER_*", "PMIX_MCA_mca_base_component_show_load_errors", "PMIX_MCA_psec", "PMIX_NAMESPACE",
    "PMIX_PARENT_ID", "PMIX_PTL_MODULE", "PMIX_RANK", "PMIX_REINCARNATION", "PMIX_SECURITY_MODE", "PMIX_SERVER_*",
    "PMIX_SYSTEM_TMPDIR", "PMIX_VERSION",
    // PMI: Slurm, MPICH
    "PMI_APPNUM", "PMI_CONTROL_*", "PMI_FD", "PMI_ID", "PMI_JOBID", "PMI_KVS", "PMI_LOCAL_*", "PMI_PORT",
    "PMI_PROCESS_MAPPING", "PMI_RANK", "PMI_SIZE", "PMI_SPAWNED", "PMI_UNIVERSE_SIZE", "PMI2_*", "HYDI_CONTROL_FD",
    "MPI_LOCALNRANKS", "MPI_LOCALRANKID",
    // a step of Slurm; not its job
    "SLURM_PMI2_*", "SLURM_PMIX*", "SLURM_SRUN_COMM_*", "SLURM_STEPID", "SLURM_STEPMGR", "SLURM_STEP_*"};

// Stint's own: between the launcher and its ranks, the blackboard's address with its password, and variables that each
// command gets anew. STINT_HOME and options that the user has set stay: a command may be `stint` itself.
constexpr std::string_view of_stint[] = {"STINT_ARGUMENTS", "STINT_ATTEMPT", "STINT_BOARD", "STINT_CALL", "STINT_CALL_HOST",
                                         "STINT_CHUNK", "STINT_ENVIRONMENT", "STINT_OUTPUTS_MEET", "STINT_RUN",
                                         "STINT_SLOT", "STINT_START", "STINT_STDIN", "STINT_WORKER"};

bool is_in(const auto& table, std::string_view variable) {
  const auto name = variable.substr(0, variable.find('='));
  return std::ranges::any_of(table, [&](std::string_view entry) {
    return entry.ends_with('*') ? name.starts_with(entry.substr(0, entry.size() - 1)) : name == entry;
  });
}

bool is_file(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

bool is_of_launcher(std::string_view variable) { return is_in(of_mpi, variable) || is_in(of_stint, variable); }

std::vector<std::string> user_environment(const char* const* variables, const char* kept) {
  std::vector<std::string> environment;
  std::ifstream file;
  if (kept != nullptr && *kept != '\0') file.open(kept, std::ios::binary);
  if (file.is_open()) {
    const std::string text(std::istreambuf_iterator<char>(file), {});
    for (std::size_t at = 0; at < text.size();) {
      const auto end = std::min(text.find('\0', at), text.size());
      environment.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    std::erase_if(environment, [](const std::string& variable) { return is_in(of_stint, variable); });
    return environment;
  }
  for (; *variables != nullptr; ++variables) {
    if (!is_of_launcher(*variables)) environment.emplace_back(*variables);
  }
  return environment;
}

void set_variable(std::vector<std::string>& environment, const std::string& variable) {
  const auto name = variable.substr(0, variable.find('=') + 1);
  std::erase_if(environment, [&](const std::string& other) { return other.starts_with(name); });
  environment.push_back(variable);
}

std::string find_program(const std::string& name, const std::vector<std::string>& environment, const std::string& folder) {
  if (name.empty() || name.find('/') != name.npos) return name;
  std::string_view path = "/bin:/usr/bin";  // as execvp without PATH
  for (const auto& variable : environment) {
    if (variable.starts_with("PATH=")) path = std::string_view(variable).substr(5);
  }
  std::string found;
  for (std::size_t at = 0; at <= path.size();) {
    const auto end = std::min(path.find(':', at), path.size());
    std::string file(path.substr(at, end - at));
    file = (file.empty() ? "." : file) + "/" + name;
    at = end + 1;
    const auto seen_from_here = file.starts_with('/') || folder.empty() ? file : folder + "/" + file;
    if (!is_file(seen_from_here)) continue;
    if (::access(seen_from_here.c_str(), X_OK) == 0) return file;
    if (found.empty()) found = file;
  }
  return found;
}

}  // namespace stint::commands
