"""Other products' drift scores, from rows, for teams that move over. They carry no promise about false alarms."""
