import EPT

/// What an access of a recording does.
enum RecordedAccessKind: Int, CaseIterable {
  case store
  case load
  case fetch

  /// As the processor makes it, through a linear address.
  var access: AccessKind {
    switch self {
    case .store: .dataWrite
    case .load: .dataRead
    case .fetch: .codeFetch
    }
  }
}
