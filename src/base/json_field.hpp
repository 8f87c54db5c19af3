// SPDX-License-Identifier: Apache-2.0
// Reads fields of JSON from an untrusted writer: a field that is missing or of another type is not an error, and a number
// that does not fit is not converted.
#pragma once

#include <nlohmann/json.hpp>

#include <type_traits>

namespace stint {

/// The field `name` of `object`; `otherwise` if it is missing or of another type, or if `object` is not an object.
template <class T>
T json_field(const nlohmann::json& object, const char* name, const T& otherwise) {
  const auto found = object.find(name);
  if (found == object.end()) return otherwise;
  bool fits = found->is_string();
  if constexpr (std::is_same_v<T, bool>) {
    fits = found->is_boolean();
  } else if constexpr (std::is_integral_v<T>) {
    fits = found->is_number_integer();
  } else if constexpr (std::is_floating_point_v<T>) {
    fits = found->is_number();
  }
  return fits ? found->template get<T>() : otherwise;
}

}  // namespace stint
