// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/checkpoint/json_fields.hpp"
#include "tenon/checkpoint/parse_json.hpp"
#include "tenon/checkpoint/quoted_name.hpp"
#include "tenon/checkpoint/random_access_file.hpp"
#include "tenon/checkpoint/safetensors_header.hpp"
#include "tenon/checkpoint/weight_source.hpp"
#include "tenon/core/error.hpp"

namespace tenon {

namespace detail {

/// A name that cannot leave the checkpoint's directory.
inline bool is_plain_file_name(std::string_view name) noexcept {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view{"/\\\0", 3}) == std::string_view::npos;
}

}  // namespace detail

/// The "weight_map" of a model.safetensors.index.json: tensor name -> shard. Shards must be plain file names.
inline std::map<std::string, std::string, std::less<>> parse_safetensors_index(std::string_view text,
                                                                               std::string const& where) {
  auto const root = parse_json(text, where);
  if (!root.is_object()) throw load_error{where, "expected a JSON object"};
  json_fields const fields{root.get_object(), where};
  auto const* entries = fields.find("weight_map");
  if (entries == nullptr) throw load_error{where, "key 'weight_map' is missing"};
  if (!entries->is_object()) fields.wrong("weight_map", "an object", *entries);

  json_fields const map{entries->get_object(), where, "weight_map."};
  std::map<std::string, std::string, std::less<>> shards;
  for (auto const& [name, value] : entries->get_object()) {
    if (!value.is_string() || !detail::is_plain_file_name(value.get_string())) {
      map.wrong(name, "a plain file name", value);
    }
    shards.emplace(std::string{name}, std::string{value.get_string()});
  }
  return shards;
}

/// The weights of a Hugging Face checkpoint directory: `model.safetensors` if there is one, else
/// `model.safetensors.index.json` with its shards (the reference implementation's order). A weight_source.
///
/// Every header is read and checked on construction; weights are read on demand, with pread. Throws
/// load_error that names the file and the tensor.
class safetensors_checkpoint {
 public:
  explicit safetensors_checkpoint(std::filesystem::path const& directory) : where_{directory.string()} {
    auto const index = directory / "model.safetensors.index.json";
    auto const single = directory / "model.safetensors";
    if (file_exists(single)) {
      open_file(single);
    } else if (file_exists(index)) {
      open_shards(directory, index);
    } else {
      throw load_error{where_,
                       "expected model.safetensors or model.safetensors.index.json, found neither of them"};
    }
  }

  tensor_info const* find(std::string_view name) const noexcept {
    auto const found = tensors_.find(name);
    return found == tensors_.end() ? nullptr : &found->second;
  }

  /// All tensor names, sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    all.reserve(tensors_.size());
    for (auto const& [name, tensor] : tensors_) all.push_back(name);
    return all;
  }

  /// Fills `to` with the tensor's bytes from `first_byte` on; `tensor` came from `find`.
  void read(tensor_info const& tensor, std::uint64_t first_byte, std::span<std::byte> to) const {
    if (first_byte > tensor.bytes || to.size() > tensor.bytes - first_byte) {
      throw load_error{where_, "tensor " + quoted_name(tensor.name) + ": asked for bytes " +
                                   std::to_string(first_byte) + " to " +
                                   std::to_string(first_byte + to.size()) + " of " +
                                   std::to_string(tensor.bytes)};
    }
    files_.at(tensor.file).read(tensor.offset + first_byte, to);
  }

  std::string const& where() const noexcept { return where_; }

 private:
  /// Takes every tensor of one file in.
  void open_file(std::filesystem::path const& path) {
    files_.emplace_back(path);
    auto const& file = files_.back();
    auto const& name = file.path();
    std::vector<std::byte> prefix(std::min<std::size_t>(file.size(), safetensors_prefix_bytes));
    file.read(0, prefix);
    std::uint64_t const header_bytes = safetensors_header_bytes(prefix, file.size(), name);
    std::string header(static_cast<std::size_t>(header_bytes), '\0');
    file.read(safetensors_prefix_bytes, std::as_writable_bytes(std::span{header}));

    std::uint64_t const begin = safetensors_prefix_bytes + header_bytes;
    for (auto& tensor : parse_safetensors_header(header, file.size() - begin, name)) {
      tensor.file = static_cast<std::uint32_t>(files_.size() - 1);
      tensor.offset += begin;
      auto const [entry, is_new] = tensors_.try_emplace(tensor.name, tensor);
      if (!is_new) {
        throw load_error{
            name, "tensor " + quoted_name(tensor.name) + " is also in " + files_[entry->second.file].path()};
      }
    }
  }

  void open_shards(std::filesystem::path const& directory, std::filesystem::path const& index) {
    auto const map = parse_safetensors_index(read_text_file(index, safetensors_header_limit), index.string());
    std::set<std::string> shards;
    for (auto const& [name, shard] : map) shards.insert(shard);
    for (auto const& shard : shards) {
      if (!file_exists(directory / shard)) {
        throw load_error{index.string(), "shard " + quoted_name(shard) + " is missing"};
      }
      open_file(directory / shard);
    }
    for (auto const& [name, shard] : map) {
      auto const* tensor = find(name);
      if (tensor == nullptr || files_[tensor->file].path() != (directory / shard).string()) {
        throw load_error{index.string(),
                         "tensor " + quoted_name(name) + ": expected in shard " + quoted_name(shard) +
                             ", found " +
                             (tensor == nullptr ? "in none" : "in " + files_[tensor->file].path())};
      }
    }
    for (auto const& [name, tensor] : tensors_) {
      if (!map.contains(name)) {
        throw load_error{files_[tensor.file].path(), "tensor " + quoted_name(name) + " is not in the index"};
      }
    }
  }

  std::string where_;
  std::vector<random_access_file> files_;
  std::map<std::string, tensor_info, std::less<>> tensors_;
};

static_assert(is_weight_source<safetensors_checkpoint>);

}  // namespace tenon
