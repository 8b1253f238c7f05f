/// Memory for a number of elements, freed with its owner. Whoever loops over it takes ``base`` first: no reference is
/// counted there, and no access checked.
@frozen @usableFromInline
package struct Storage<Element>: ~Copyable {
  @usableFromInline package let base: UnsafeMutablePointer<Element>
  @usableFromInline package let count: Int

  @inlinable package init(repeating element: Element, count: Int) {
    base = .allocate(capacity: max(count, 1))
    base.initialize(repeating: element, count: count)
    self.count = count
  }

  /// Elements made one by one, by their number.
  @inlinable package init(count: Int, _ make: (Int) -> Element) {
    base = .allocate(capacity: max(count, 1))
    for number in 0..<count { (base + number).initialize(to: make(number)) }
    self.count = count
  }

  deinit {
    base.deinitialize(count: count)
    base.deallocate()
  }

  /// Sets every element.
  @inlinable package func fill(with element: Element) { base.update(repeating: element, count: count) }
}

extension Storage where Element: BitwiseCopyable {
  /// Elements that are written before they are read: memory that is never touched costs nothing.
  @inlinable package init(uninitialized count: Int) {
    base = .allocate(capacity: max(count, 1))
    self.count = count
  }
}
