import ArgumentParser
import EPT

/// A number of the command line: decimal, or hexadecimal with 0x.
struct WalkNumber: ExpressibleByArgument {
  let value: UInt64

  init?(argument: String) {
    let parsed =
      argument.lowercased().hasPrefix("0x") ? UInt64(argument.dropFirst(2), radix: 16) : UInt64(argument, radix: 10)
    guard let parsed else { return nil }
    value = parsed
  }
}

/// `ADDR=VALUE`.
struct WalkEntry: ExpressibleByArgument {
  let address: UInt64
  let value: UInt64

  init?(argument: String) {
    let parts = argument.split(separator: "=", omittingEmptySubsequences: false).map {
      WalkNumber(argument: String($0))
    }
    guard parts.count == 2, let address = parts[0], let value = parts[1] else { return nil }
    self.address = address.value
    self.value = value.value
  }
}

/// The access to explain.
enum WalkAccess: String, ExpressibleByArgument, CaseIterable {
  case r, w, x, rw

  var kind: AccessKind {
    switch self {
    case .r: .read
    case .w: .write
    case .x: .fetch
    case .rw: .readWrite
    }
  }
}

/// Format of an explanation.
enum WalkFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json
}
