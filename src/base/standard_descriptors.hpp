// SPDX-License-Identifier: Apache-2.0
// The descriptors that this process was started with.
#pragma once

namespace stint {

/// Opens the descriptors 0 to 2 where they are closed, such that using them is an error: otherwise the next socket gets
/// the number, and output is sent there. Notes which others are open. To be called before anything else in main.
void open_standard_descriptors();

/// Whether this process was started with that descriptor (above 2): the user may name it as /dev/fd/N. All others are our
/// own sockets and files.
bool inherited(int descriptor);

}  // namespace stint
