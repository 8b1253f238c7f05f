import Replay

// Stands in for the entry point of the Replay room until that lands; delete this file then.
func replay(_ request: ReplayRequest) throws -> RunResult {
  throw ReplayError("\(request.tracePath): this build has no replay yet; wait for the Replay room")
}
