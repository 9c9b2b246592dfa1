"""HTTP shared by the API and the pages: from a request to a unit of work, and from an error to a document."""
