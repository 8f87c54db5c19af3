// SPDX-License-Identifier: Apache-2.0
// Chooses the address of this host on which the blackboard listens for other hosts. Interfaces that are down, loopback, or
// have only a link-local address never count. The first match: the user's choice; the only interface; one that
// mpirun was told to use (oob_tcp_if_include, btl_tcp_if_include); that of the default route; the first.
#pragma once

#include <string>
#include <vector>

namespace stint {

struct Interface {
  std::string name;
  std::string address;  ///< IPv4, or IPv6 without a scope
};

/// The interfaces of this host that count, IPv4 before IPv6, else in the order of the kernel.
std::vector<Interface> interfaces_here();

/// Facts that help to choose.
struct InterfaceHints {
  std::vector<std::string> launcher;  ///< names of interfaces and networks like 10.1.0.0/16
  std::string default_route;          ///< name of an interface
  static InterfaceHints here();
};

/// The address to listen on. `wish`: a name, an address, or 'auto'. Throws Error(usage) if no interface matches.
std::string chosen_address(const std::vector<Interface>& interfaces, const std::string& wish,
                           const InterfaceHints& hints);

}  // namespace stint
