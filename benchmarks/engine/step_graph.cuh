// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda.h>
#include <cuda_runtime_api.h>
#include <cxxabi.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/cuda/read_stream.cuh"
#include "tenon/cuda/context.hpp"
#include "tenon/launch/launch_policy.hpp"

namespace tenon::benchmarks {

/// A recorded step as the chain of nodes that it is, to be run up to any of them.
class step_graph {
 public:
  /// Owns `graph`, each node of which has at most one successor.
  explicit step_graph(cudaGraph_t graph) : graph_{graph} {
    std::size_t roots = 1;
    cudaGraphNode_t node = nullptr;
    cuda::check(cudaGraphGetRootNodes(graph_, &node, &roots));
    while (node != nullptr) {
      nodes_.push_back(node);
      std::size_t followers = 0;
      cuda::check(cudaGraphNodeGetDependentNodes(node, nullptr, nullptr, &followers));
      if (followers > 1) throw std::runtime_error{"expected a chain of nodes, found a fork"};
      if (followers == 0) break;
      cudaGraphEdgeData edge{};
      cuda::check(cudaGraphNodeGetDependentNodes(node, &node, &edge, &followers));
    }
  }
  step_graph(step_graph&& other) noexcept
      : graph_{std::exchange(other.graph_, nullptr)}, nodes_{std::move(other.nodes_)} {}
  step_graph& operator=(step_graph&&) = delete;
  ~step_graph() {
    if (graph_ != nullptr) cudaGraphDestroy(graph_);
  }

  std::size_t size() const noexcept { return nodes_.size(); }

  /// A kernel's name without namespaces and arguments, or "copy or fill".
  std::string name(std::size_t node) const {
    cudaGraphNodeType type{};
    cuda::check(cudaGraphNodeGetType(nodes_[node], &type));
    if (type != cudaGraphNodeTypeKernel) return "copy or fill";
    // libraries' kernels are known to the driver alone
    auto const parameters_of =
        driver_function<CUresult(CUgraphNode, CUDA_KERNEL_NODE_PARAMS*)>("cuGraphKernelNodeGetParams", 12000);
    auto const function_name = driver_function<CUresult(char const**, CUfunction)>("cuFuncGetName", 12030);
    auto const kernel_name = driver_function<CUresult(char const**, CUkernel)>("cuKernelGetName", 12030);
    CUDA_KERNEL_NODE_PARAMS parameters{};
    char const* mangled = nullptr;
    if (parameters_of(nodes_[node], &parameters) != CUDA_SUCCESS) return "?";
    if (parameters.func != nullptr) {
      function_name(&mangled, parameters.func);
    } else {
      kernel_name(&mangled, parameters.kern);
    }
    return mangled == nullptr ? "?" : readable(mangled);
  }

  /// Milliseconds of the first `count` nodes: the median of `rounds` runs of `launches` replays in a row.
  double milliseconds(cuda::context& context, std::size_t count, int rounds, int launches) const {
    cudaGraph_t part = nullptr;
    cuda::check(cudaGraphClone(&part, graph_));
    for (std::size_t i = nodes_.size(); i-- > count;) {
      cudaGraphNode_t copy = nullptr;
      cuda::check(cudaGraphNodeFindInClone(&copy, nodes_[i], part));
      cuda::check(cudaGraphDestroyNode(copy));
    }
    cudaGraphExec_t executable = nullptr;
    cuda::check(cudaGraphInstantiate(&executable, part, 0));
    cuda::check(cudaGraphUpload(executable, context.stream()));
    cuda::check(cudaGraphLaunch(executable, context.stream()));
    double const time = device_milliseconds(context, rounds, [&] {
      for (int i = 0; i < launches; ++i) cuda::check(cudaGraphLaunch(executable, context.stream()));
    });
    cudaGraphExecDestroy(executable);
    cudaGraphDestroy(part);
    return time / launches;
  }

 private:
  template <class Signature> static Signature* driver_function(char const* name, unsigned version) {
    void* found = nullptr;
    cudaDriverEntryPointQueryResult result{};
    cuda::check(cudaGetDriverEntryPointByVersion(name, &found, version, cudaEnableDefault, &result));
    return reinterpret_cast<Signature*>(found);
  }

  static std::string readable(char const* mangled) {
    int status = 0;
    char* const whole = abi::__cxa_demangle(mangled, nullptr, nullptr, &status);
    std::string text = whole != nullptr ? whole : mangled;
    std::free(whole);
    if (text.starts_with("void ")) text.erase(0, 5);
    text.resize(std::min({text.size(), text.find('<'), text.find('(')}));
    auto const scope = text.rfind("::");
    return scope == std::string::npos ? text : text.substr(scope + 2);
  }

  cudaGraph_t graph_ = nullptr;
  std::vector<cudaGraphNode_t> nodes_;
};

/// A launch policy that keeps what it captured, to be looked at.
template <class Launch> class kept : public Launch {
 public:
  template <class Record> void prepare(cuda::context& context, batch_shape const& shape, Record&& record) {
    Launch::prepare(context, shape, record);
    cuda::check(cudaStreamBeginCapture(context.stream(), cudaStreamCaptureModeThreadLocal));
    record();
    cudaGraph_t graph = nullptr;
    cuda::check(cudaStreamEndCapture(context.stream(), &graph));
    graphs.push_back({shape.rows, step_graph{graph}});
  }

  /// By rows. A runner makes its launch policy itself and shows it to none, hence static.
  inline static std::vector<std::pair<std::int32_t, step_graph>> graphs;
};

}  // namespace tenon::benchmarks
