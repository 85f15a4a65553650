"""Which queue, which skills, how urgent, due when: the policy's routing rules applied to the items that wait."""
