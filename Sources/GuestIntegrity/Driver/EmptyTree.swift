import MonitorTree

extension TreeWriter {
  /// A writer for a tree that has no node yet: nothing is read, so nothing can be corrupt.
  convenience init(emptyTreeIn memory: GuestMemory, base: BasePointer, nodeActions: NodeActions) {
    do {
      try self.init(memory: memory, base: base, nodeActions: nodeActions)
    } catch {
      preconditionFailure("a base pointer that refers to nothing was read as a tree: \(error)")
    }
  }
}
