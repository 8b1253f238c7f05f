// The WriteTrace room.
