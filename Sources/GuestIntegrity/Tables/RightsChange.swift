import EPT

/// How an edit changes the rights of leaves.
struct RightsChange: Hashable, Sendable {
  var granted: EPTRights = []
  var withdrawn: EPTRights = []

  static let none = Self()
  static func grant(_ rights: EPTRights) -> Self { Self(granted: rights) }
  static func withdraw(_ rights: EPTRights) -> Self { Self(withdrawn: rights) }

  func applied(to rights: EPTRights) -> EPTRights { rights.subtracting(withdrawn).union(granted) }
}
