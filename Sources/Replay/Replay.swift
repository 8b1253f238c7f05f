// The Replay room.
