import Addresses

public struct HostMemory {
  let base: UnsafeMutableRawPointer
  public let byteCount: Int
  public init(byteCount: Int) {
    self.byteCount = byteCount
    base = .allocate(byteCount: byteCount, alignment: 4096)
    base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
  }
  func load(at a: UInt64) -> UInt64 { base.load(fromByteOffset: Int(a), as: UInt64.self) }
  func store(_ v: UInt64, at a: UInt64) { base.storeBytes(of: v, toByteOffset: Int(a), as: UInt64.self) }
}
public struct EPTPointer: Hashable, Sendable { public var rawValue: UInt64 }
public struct EPTViolation { public var isWrite = true; public var isFetch = false }
