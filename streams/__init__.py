"""paystate's pipeline: domain (pure), engine (exactly-once Faust), agents, and the commands around them."""
