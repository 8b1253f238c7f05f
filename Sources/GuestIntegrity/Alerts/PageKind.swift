/// What a monitored page is.
public enum PageKind: UInt8, CaseIterable, Hashable, Sendable {
  /// Claimed by one or more regions.
  case protected
  /// A node of the tree, or a page donated for one.
  case tree
  /// Code of the GI driver.
  case giCode
  /// Data of the GI driver.
  case giData
}
