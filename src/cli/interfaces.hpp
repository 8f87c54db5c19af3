// SPDX-License-Identifier: Apache-2.0
// On which address of this host the blackboard listens for other hosts. Interfaces that are down, loopback, or have
// only a link-local address never count. The rule, first match: what the user named; the only one there is; one that
// mpirun was told to use (oob_tcp_if_include, btl_tcp_if_include); that of the default route; the first.
#pragma once

#include <string>
#include <vector>

namespace stint {

struct Interface {
  std::string name;
  std::string address;  ///< IPv4, or IPv6 without a scope
};

/// Those of this host that count, IPv4 before IPv6, else in the order of the kernel.
std::vector<Interface> interfaces_here();

/// What helps to choose.
struct InterfaceHints {
  std::vector<std::string> launcher;  ///< names of interfaces and networks like 10.1.0.0/16
  std::string default_route;          ///< name of an interface
  static InterfaceHints here();
};

/// The address. `wish`: a name, an address, or 'auto'. Throws Error(usage) when there is none that fits.
std::string chosen_address(const std::vector<Interface>& interfaces, const std::string& wish,
                           const InterfaceHints& hints);

}  // namespace stint
