// SPDX-License-Identifier: Apache-2.0
// Values to bytes and back. Trivially copyable values are stored as their bytes, all others by Boost.Serialization
// (write `template <class A> void serialize(A& archive, unsigned) { archive & field & …; }`). Unordered containers
// are written sorted, so that equal values have equal bytes: do not include Boost's own headers for those two.
// The frame around the bytes (src/codec/frame.hpp) is checked first. Anybody can write a valid frame, so the reader checks
// each length in the bytes before it allocates memory for it.
#pragma once

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/archive/impl/basic_binary_iarchive.ipp>
#include <boost/archive/impl/basic_binary_iprimitive.ipp>
#include <boost/serialization/array.hpp>
#include <boost/serialization/map.hpp>
#include <boost/serialization/optional.hpp>
#include <boost/serialization/set.hpp>
#include <boost/serialization/split_free.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/utility.hpp>
#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace stint::archive {

/// The bytes are not a value that this program wrote; Stint recomputes their chunks.
struct DecodeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// FNV-1a of the type's name and size: different for partials of different programs.
inline std::uint64_t fingerprint(std::string_view type, std::size_t size) {
  std::uint64_t hash = 0xcbf29ce484222325U ^ size;
  for (unsigned char c : type) hash = (hash ^ c) * 0x100000001b3U;
  return hash;
}

namespace detail {
class StringSink final : public std::streambuf {
 public:
  explicit StringSink(std::string& out) : out_(out) {}

 protected:
  int_type overflow(int_type c) override {
    if (c != traits_type::eof()) out_.push_back(static_cast<char>(c));
    return c;
  }
  std::streamsize xsputn(const char* bytes, std::streamsize count) override {
    out_.append(bytes, static_cast<std::size_t>(count));
    return count;
  }

 private:
  std::string& out_;
};

class StringSource final : public std::streambuf {
 public:
  explicit StringSource(std::string_view bytes) {
    auto* begin = const_cast<char*>(bytes.data());
    setg(begin, begin, begin + bytes.size());
  }
  [[nodiscard]] bool used_up() const { return gptr() == egptr(); }
  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(egptr() - gptr()); }
};

constexpr unsigned flags = boost::archive::no_header | boost::archive::no_tracking;

/// Reads what binary_oarchive wrote. Refuses a container with more elements than bytes are left: Boost's own reader
/// would allocate memory for any count in the bytes.
class Reader final : public boost::archive::binary_iarchive_impl<Reader, char, std::char_traits<char>> {
  using Base = boost::archive::binary_iarchive_impl<Reader, char, std::char_traits<char>>;
  static constexpr std::size_t trusted_count = 4096;  // elements without fields take no bytes

 public:
  explicit Reader(StringSource& source) : Base(source, flags), source_(source) {}

  using Base::load_override;
  void load_override(boost::serialization::collection_size_type& count) {
    Base::load_override(count);
    if (count > trusted_count && count > source_.left()) throw DecodeError("more elements than bytes");
  }
  using Base::load;
  void load(bool& flag) {
    unsigned char byte = 0;
    Base::load(byte);
    if (byte > 1) throw DecodeError("neither true nor false");
    flag = byte == 1;
  }
  void load(std::string& text) {
    std::size_t size = 0;
    Base::load(size);
    if (size > source_.left()) throw DecodeError("a text that is longer than all bytes");
    text.resize(size);
    if (size > 0) Base::load_binary(text.data(), size);
  }

 private:
  StringSource& source_;
};

template <class Sorted, class Archive, class Container>
void save_sorted(Archive& archive, const Container& container) {
  Sorted sorted(container.begin(), container.end());
  std::sort(sorted.begin(), sorted.end());
  archive << sorted;
}
template <class Sorted, class Archive, class Container>
void load_sorted(Archive& archive, Container& container) {
  Sorted sorted;
  archive >> sorted;
  container = Container(std::make_move_iterator(sorted.begin()), std::make_move_iterator(sorted.end()));
}
}  // namespace detail

template <class T>
std::string encode(const T& value) {
  if constexpr (std::is_trivially_copyable_v<T>) {
    std::string bytes(sizeof(T), '\0');
#if defined(__has_builtin) && __has_builtin(__builtin_clear_padding)
    alignas(T) char copy[sizeof(T)];
    std::memcpy(copy, &value, sizeof(T));
    __builtin_clear_padding(reinterpret_cast<T*>(copy));  // padding would differ between equal values
    std::memcpy(bytes.data(), copy, sizeof(T));
#else
    std::memcpy(bytes.data(), &value, sizeof(T));
#endif
    return bytes;
  } else {
    std::string bytes;
    detail::StringSink sink(bytes);
    boost::archive::binary_oarchive(sink, detail::flags) << value;
    return bytes;
  }
}

/// Throws DecodeError unless `bytes` is one whole value of type T.
template <class T>
T decode(std::string_view bytes) {
  if constexpr (std::is_trivially_copyable_v<T>) {
    if (bytes.size() != sizeof(T)) throw DecodeError("wrong number of bytes for this type");
    T value;
    std::memcpy(static_cast<void*>(&value), bytes.data(), sizeof(T));
    return value;
  } else {
    T value;
    detail::StringSource source(bytes);
    try {
      detail::Reader(source) >> value;
    } catch (const std::exception& error) {
      throw DecodeError(std::string("not an archive of this type: ") + error.what());
    }
    if (!source.used_up()) throw DecodeError("bytes left behind the archive");
    return value;
  }
}

}  // namespace stint::archive

BOOST_SERIALIZATION_REGISTER_ARCHIVE(stint::archive::detail::Reader)
BOOST_SERIALIZATION_USE_ARRAY_OPTIMIZATION(stint::archive::detail::Reader)

namespace boost::serialization {

template <class A, class K, class V, class H, class E, class L>
void save(A& archive, const std::unordered_map<K, V, H, E, L>& map, unsigned) {
  stint::archive::detail::save_sorted<std::vector<std::pair<K, V>>>(archive, map);
}
template <class A, class K, class V, class H, class E, class L>
void load(A& archive, std::unordered_map<K, V, H, E, L>& map, unsigned) {
  stint::archive::detail::load_sorted<std::vector<std::pair<K, V>>>(archive, map);
}
template <class A, class K, class V, class H, class E, class L>
void serialize(A& archive, std::unordered_map<K, V, H, E, L>& map, unsigned version) {
  split_free(archive, map, version);
}
template <class A, class K, class H, class E, class L>
void save(A& archive, const std::unordered_set<K, H, E, L>& set, unsigned) {
  stint::archive::detail::save_sorted<std::vector<K>>(archive, set);
}
template <class A, class K, class H, class E, class L>
void load(A& archive, std::unordered_set<K, H, E, L>& set, unsigned) {
  stint::archive::detail::load_sorted<std::vector<K>>(archive, set);
}
template <class A, class K, class H, class E, class L>
void serialize(A& archive, std::unordered_set<K, H, E, L>& set, unsigned version) {
  split_free(archive, set, version);
}

}  // namespace boost::serialization
