"""The data plane: links, rule tables, conntrack, DNS, load balancers, the router."""
