// A walker of one's own against the EPT machine, over random tables of 4 levels.
import Addresses
import EPT

/// The walk as the manual describes it, for reads, with pages of 4 KiB alone (SDM vol. 3C, "EPT Translation Mechanism").
func walk(_ gpa: UInt64, from root: UInt64, in memory: FlatMemory) -> UInt64? {
  var table = root
  for shift in [39, 30, 21, 12] as [UInt64] {
    let entry = memory.load(HostPhysicalAddress(table | (gpa >> shift & 511) << 3))
    guard entry & 1 != 0 else { return nil }
    table = entry & 0xf_ffff_ffff_f000
  }
  return table | gpa & 0xfff
}

guard let owner = HostMemory(byteCount: 8 << 12) else { fatalError("no memory") }
let memory = owner.memory
var random = SystemRandomNumberGenerator()
var (translated, refused) = (0, 0)
for _ in 0..<20_000 {
  // Tables at pages 0 to 3, one a level; data at pages 4 to 7. One entry in four is not present.
  var gpa: UInt64 = .random(in: 0..<4096, using: &random)
  for (level, shift) in ([39, 30, 21, 12] as [UInt64]).enumerated() {
    let index = UInt64.random(in: 0..<512, using: &random)
    let next: UInt64 = level < 3 ? UInt64(level + 1) : .random(in: 4..<8, using: &random)
    // Bits 2:0 read, write, execute; the memory type of a leaf is write-back.
    let rights: UInt64 = Int.random(in: 0..<4, using: &random) == 0 ? 0 : 7
    memory.store(
      rights == 0 ? 0 : next << 12 | (level == 3 ? 6 << 3 : 0) | rights,
      at: HostPhysicalAddress(UInt64(level) << 12 | index << 3))
    gpa |= index << shift
  }
  var machine = EPTMachine(memory: memory, eptp: EPTPointer(0x1e))
  let mine = walk(gpa, from: 0, in: memory)
  switch machine.access(GuestAccess(GuestPhysicalAddress(gpa), .dataRead)) {
  case .translated(let translation):
    precondition(translation.hpa.rawValue == mine, "0x\(String(gpa, radix: 16)) leads elsewhere")
    translated += 1
  case .violation:
    precondition(mine == nil, "0x\(String(gpa, radix: 16)) is refused")
    refused += 1
  case let outcome: fatalError("0x\(String(gpa, radix: 16)): \(outcome)")
  }
}
print("\(translated) addresses translated alike, \(refused) refused alike")
