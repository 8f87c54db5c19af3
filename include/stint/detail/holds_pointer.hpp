// SPDX-License-Identifier: Apache-2.0
// Whether a value refers to memory of its process: its bytes would mean nothing on another rank or after a restart. Finds
// pointers, views and iterators, also inside containers, tuples and aggregates; not behind private members.
#pragma once

#include <cstddef>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace stint::detail {

template <class T, int depth = 0>
consteval bool holds_pointer();

template <class T>
constexpr bool is_view = false;
template <class C, class Traits>
constexpr bool is_view<std::basic_string_view<C, Traits>> = true;
template <class T, std::size_t extent>
constexpr bool is_view<std::span<T, extent>> = true;
template <class T>
constexpr bool is_view<std::reference_wrapper<T>> = true;

template <class T, int depth>
constexpr bool element_holds_pointer = false;
template <class T, int depth>
constexpr bool element_holds_pointer<std::optional<T>, depth> = holds_pointer<T, depth>();
template <int depth, class... Ts>
constexpr bool element_holds_pointer<std::tuple<Ts...>, depth> = (false || ... || holds_pointer<Ts, depth>());
template <int depth, class... Ts>
constexpr bool element_holds_pointer<std::variant<Ts...>, depth> = (false || ... || holds_pointer<Ts, depth>());
template <class A, class B, int depth>
constexpr bool element_holds_pointer<std::pair<A, B>, depth> = holds_pointer<A, depth>() || holds_pointer<B, depth>();

// An aggregate inside an aggregate may be initialised without its own braces: its fields then come one by one.
template <class T>
concept Leaf = !std::is_aggregate_v<T> || std::is_union_v<T>;
// AnyLeaf initialises a leaf of any type; PlainLeaf only one that holds no pointer.
struct AnyLeaf {
  template <Leaf T>
  operator T() const;
};
template <int depth>
struct PlainLeaf {
  template <Leaf T>
    requires(!holds_pointer<T, depth>())
  operator T() const;
};

// The fields of an aggregate cannot be listed, but they can be tried: a field that AnyLeaf initialises and PlainLeaf does
// not is a pointer.
template <class T, int depth, std::size_t... I>
consteval bool first_fields_hold_pointer(std::index_sequence<I...>) {
  if constexpr (requires { T{(static_cast<void>(I), AnyLeaf{})...}; }) {
    return !requires { T{(static_cast<void>(I), PlainLeaf<depth>{})...}; };
  } else {
    return false;
  }
}
template <class T, int depth, std::size_t... I>
consteval bool any_field_holds_pointer(std::index_sequence<I...>) {
  return (false || ... || first_fields_hold_pointer<T, depth>(std::make_index_sequence<I + 1>()));
}

template <class T, int depth>
consteval bool holds_pointer() {
  constexpr std::size_t most_fields = 32;
  if constexpr (depth > 8 || !std::is_object_v<T>) {
    return false;
  } else if constexpr (std::is_pointer_v<T> || is_view<T> || std::input_or_output_iterator<T>) {
    return true;
  } else if constexpr (std::is_array_v<T>) {
    return holds_pointer<std::remove_all_extents_t<T>, depth + 1>();
  } else if constexpr (element_holds_pointer<std::remove_cv_t<T>, depth + 1>) {
    return true;
  } else if constexpr (requires { typename T::value_type; }) {
    return holds_pointer<typename T::value_type, depth + 1>();
  } else if constexpr (std::is_trivially_copyable_v<T> && std::is_aggregate_v<T> && !std::is_union_v<T>) {
    constexpr std::size_t fields = sizeof(T) < most_fields ? sizeof(T) : most_fields;
    return any_field_holds_pointer<T, depth + 1>(std::make_index_sequence<fields>());
  } else {
    return false;
  }
}

}  // namespace stint::detail
