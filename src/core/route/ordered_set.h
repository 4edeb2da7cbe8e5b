#pragma once

#include <cstddef>
#include <set>

namespace forewarm {

/// A sorted set of small keys.
template <class Key>
class OrderedSet {
 public:
  bool empty() const { return keys_.empty(); }
  std::size_t size() const { return keys_.size(); }
  /// False if the key was there.
  bool insert(const Key& key) { return keys_.insert(key).second; }
  /// False if the key was not there.
  bool erase(const Key& key) { return keys_.erase(key) != 0; }
  /// The smallest key, or null. Valid until the next change.
  const Key* first() const { return keys_.empty() ? nullptr : &*keys_.begin(); }
  /// The smallest key that is not smaller than `key`, or null. Valid until the next change.
  const Key* at_or_after(const Key& key) const {
    const auto found = keys_.lower_bound(key);
    return found == keys_.end() ? nullptr : &*found;
  }

 private:
  std::set<Key> keys_;
};

}  // namespace forewarm
