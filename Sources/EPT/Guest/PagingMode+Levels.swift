extension PagingMode {
  /// The level of the table that CR3, or with PAE a PDPTE register, refers to.
  @inlinable var root: Level {
    switch self {
    case .off, .bits32, .pae: .pde
    case .fourLevel: .pml4e
    case .fiveLevel: .pml5e
    }
  }

  /// How many address bits an entry of this level spans.
  @inlinable
  func shift(_ level: Level) -> UInt64 { self == .bits32 && level == .pde ? 22 : level.shift }
}
