extension EPTMachine {
  /// Whether any cache holds translations of this processor.
  @usableFromInline var isCaching: Bool { caches.isActive || cache != nil }

  /// Drops mappings from every cache of this processor.
  @usableFromInline @inline(never)
  mutating func drop(_ mappings: DroppedMappings) {
    if caches.isActive { caches.drop(mappings) }
    cache?.drop(mappings)
  }
}
