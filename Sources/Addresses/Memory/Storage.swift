/// Memory for a number of trivial elements, freed with its owner. Whoever loops over it takes ``base`` first: no reference is
/// counted there, and no access checked.
@frozen @usableFromInline
package struct Storage<Element: BitwiseCopyable>: ~Copyable {
  @usableFromInline package let base: UnsafeMutablePointer<Element>
  @usableFromInline package let count: Int

  @inlinable package init(repeating element: Element, count: Int) {
    base = .allocate(capacity: max(count, 1))
    base.initialize(repeating: element, count: count)
    self.count = count
  }

  deinit { base.deallocate() }

  /// Sets every element.
  @inlinable package func fill(with element: Element) { base.update(repeating: element, count: count) }
}
