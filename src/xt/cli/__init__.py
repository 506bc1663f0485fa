"""The command line: parse, call one verb, give its report to a renderer. Owns exit statuses and printing."""
