#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace forewarm {

/// A sorted set of small keys: a B+ tree (Comer 1979) whose inner nodes keep the smallest key of each child.
///
/// std::set spends 40 bytes a key on pointers and a cache miss a level; a million waiting messages want
/// neither. Nodes are about a kilobyte and at least a quarter full, and full where keys come in ascending
/// order.
template <class Key>
class OrderedSet {
  static_assert(std::is_trivially_copyable_v<Key>);

 public:
  OrderedSet() = default;
  ~OrderedSet() { destroy(root_); }
  OrderedSet(const OrderedSet&) = delete;
  OrderedSet& operator=(const OrderedSet&) = delete;

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  /// False if the key was there.
  bool insert(const Key& key) {
    if (!root_) root_ = new Node(true);
    bool added = false;
    Node* right = insert_into(*root_, key, added);
    if (right) {
      auto* above = new Inner;
      put(*above, 0, root_->keys[0], root_);
      put(*above, 1, right->keys[0], right);
      root_ = above;
    }
    size_ += added ? 1U : 0U;
    return added;
  }

  /// False if the key was not there.
  bool erase(const Key& key) {
    if (!root_ || !erase_from(*root_, key)) return false;
    --size_;
    if (!root_->leaf && root_->count == 1) {
      auto* old = static_cast<Inner*>(root_);
      root_ = old->children[0];
      delete old;
    } else if (root_->count == 0) {
      destroy(root_);
      root_ = nullptr;
    }
    return true;
  }

  /// The smallest key, or null. Valid until the next change.
  const Key* first() const { return root_ ? smallest(root_) : nullptr; }

  /// The smallest key that is not smaller than `key`, or null. Valid until the next change.
  const Key* at_or_after(const Key& key) const {
    const Key* after = nullptr;  // of the next subtree to the right, wherever the path left one
    const Node* node = root_;
    while (node && !node->leaf) {
      const auto* inner = static_cast<const Inner*>(node);
      const std::size_t place = child_place(*inner, key);
      if (place + 1 < inner->count) after = smallest(inner->children[place + 1]);
      node = inner->children[place];
    }
    if (!node) return nullptr;
    const std::size_t place = key_place(*node, key);
    return place < node->count ? &node->keys[place] : after;
  }

 private:
  static constexpr std::size_t kMost = std::max<std::size_t>(8, 1024 / sizeof(Key));
  static constexpr std::size_t kLeast = kMost / 4;

  struct Node {
    explicit Node(bool is_leaf) : leaf(is_leaf) {}
    std::uint16_t count = 0;
    bool leaf;
    Key keys[kMost];
  };
  struct Inner : Node {
    Inner() : Node(false) {}
    Node* children[kMost];
  };

  static const Key* smallest(const Node* node) {
    while (!node->leaf) node = static_cast<const Inner*>(node)->children[0];
    return &node->keys[0];
  }

  static std::size_t key_place(const Node& node, const Key& key) {
    return static_cast<std::size_t>(std::lower_bound(node.keys, node.keys + node.count, key) - node.keys);
  }
  static std::size_t child_place(const Inner& node, const Key& key) {
    const auto after = std::upper_bound(node.keys, node.keys + node.count, key) - node.keys;
    return after == 0 ? 0 : static_cast<std::size_t>(after - 1);
  }

  /// Returns the new right sibling if the node had to be split.
  static Node* insert_into(Node& node, const Key& key, bool& added) {
    if (node.leaf) {
      const std::size_t place = key_place(node, key);
      added = place == node.count || key < node.keys[place];
      return added ? put(node, place, key, nullptr) : nullptr;
    }
    auto& inner = static_cast<Inner&>(node);
    const std::size_t place = child_place(inner, key);
    Node* right = insert_into(*inner.children[place], key, added);
    inner.keys[place] = inner.children[place]->keys[0];
    return right ? put(inner, place + 1, right->keys[0], right) : nullptr;
  }

  static Node* put(Node& node, std::size_t place, const Key& key, Node* child) {
    if (node.count == kMost) {
      // Keys in ascending order leave full leaves behind.
      const std::size_t at = node.leaf && place == kMost ? kMost : kMost / 2;
      Node* right = node.leaf ? new Node(true) : new Inner;
      shift_to_front(node, at, *right);
      if (place > at || at == kMost) {
        put(*right, place - at, key, child);
      } else {
        put(node, place, key, child);
      }
      return right;
    }
    std::copy_backward(node.keys + place, node.keys + node.count, node.keys + node.count + 1);
    node.keys[place] = key;
    if (!node.leaf) {
      Node** children = static_cast<Inner&>(node).children;
      std::copy_backward(children + place, children + node.count, children + node.count + 1);
      children[place] = child;
    }
    ++node.count;
    return nullptr;
  }

  static void take_out(Node& node, std::size_t place) {
    std::copy(node.keys + place + 1, node.keys + node.count, node.keys + place);
    if (!node.leaf) {
      Node** children = static_cast<Inner&>(node).children;
      std::copy(children + place + 1, children + node.count, children + place);
    }
    --node.count;
  }

  static bool erase_from(Node& node, const Key& key) {
    if (node.leaf) {
      const std::size_t place = key_place(node, key);
      if (place == node.count || key < node.keys[place]) return false;
      take_out(node, place);
      return true;
    }
    auto& inner = static_cast<Inner&>(node);
    const std::size_t place = child_place(inner, key);
    if (!erase_from(*inner.children[place], key)) return false;
    if (inner.children[place]->count < kLeast) {
      mend(inner, place == 0 ? 0 : place - 1);
    } else {
      inner.keys[place] = inner.children[place]->keys[0];
    }
    return true;
  }

  /// Joins or evens out a child that has become too small and its neighbour: the children at `place` and
  /// after it.
  static void mend(Inner& parent, std::size_t place) {
    Node& left = *parent.children[place];
    Node& right = *parent.children[place + 1];
    const std::size_t both = left.count + std::size_t{right.count};
    if (both <= kMost * 3 / 4) {
      shift_to_back(right, right.count, left);
      destroy(&right);
      take_out(parent, place + 1);
    } else {
      if (left.count < both / 2) {
        shift_to_back(right, both / 2 - left.count, left);
      } else {
        shift_to_front(left, both / 2, right);
      }
      parent.keys[place + 1] = right.keys[0];
    }
    parent.keys[place] = left.keys[0];
  }

  /// Moves the first `number` entries of a node behind those of its left neighbour.
  static void shift_to_back(Node& from, std::size_t number, Node& to) {
    std::copy(from.keys, from.keys + number, to.keys + to.count);
    std::copy(from.keys + number, from.keys + from.count, from.keys);
    if (!from.leaf) {
      Node** children = static_cast<Inner&>(from).children;
      std::copy(children, children + number, static_cast<Inner&>(to).children + to.count);
      std::copy(children + number, children + from.count, children);
    }
    to.count = static_cast<std::uint16_t>(to.count + number);
    from.count = static_cast<std::uint16_t>(from.count - number);
  }

  /// Moves the entries of a node from `at` on before those of its right neighbour.
  static void shift_to_front(Node& from, std::size_t at, Node& to) {
    const std::size_t number = from.count - at;
    std::copy_backward(to.keys, to.keys + to.count, to.keys + to.count + number);
    std::copy(from.keys + at, from.keys + from.count, to.keys);
    if (!from.leaf) {
      Node** children = static_cast<Inner&>(to).children;
      std::copy_backward(children, children + to.count, children + to.count + number);
      Node** moved = static_cast<Inner&>(from).children;
      std::copy(moved + at, moved + from.count, children);
    }
    to.count = static_cast<std::uint16_t>(to.count + number);
    from.count = static_cast<std::uint16_t>(at);
  }

  static void destroy(Node* node) {
    if (!node) return;
    if (node->leaf) {
      delete node;
      return;
    }
    auto* inner = static_cast<Inner*>(node);
    for (std::size_t i = 0; i < inner->count; ++i) destroy(inner->children[i]);
    delete inner;
  }

  Node* root_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace forewarm
