import EPT

/// How an edit changes the rights of leaves.
struct RightsChange: Hashable, Sendable {
  var granted: Rights = []
  var withdrawn: Rights = []

  static let none = Self()
  static func grant(_ rights: Rights) -> Self { Self(granted: rights) }
  static func withdraw(_ rights: Rights) -> Self { Self(withdrawn: rights) }

  func applied(to rights: Rights) -> Rights { rights.subtracting(withdrawn).union(granted) }
}
