"""A made-up kind that has every shape and every option of a field, taken through the whole product."""
