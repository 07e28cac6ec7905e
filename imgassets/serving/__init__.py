"""Any configured model behind the OpenAI images protocol, on loopback."""
