// SPDX-License-Identifier: Apache-2.0
// All that a job author needs. Read job.hpp first.
#pragma once

#include <stint/context.hpp>
#include <stint/error.hpp>
#include <stint/input.hpp>
#include <stint/job.hpp>
#include <stint/main.hpp>
#include <stint/options.hpp>
#include <stint/output.hpp>
#include <stint/parallel.hpp>
#include <stint/plan.hpp>
#include <stint/range.hpp>
#include <stint/text.hpp>
