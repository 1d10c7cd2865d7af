/** @file The price of a recipe's endpoint. */
import { type Endpoint, endpointName } from "../schema/endpoint.ts";
import { findPrice, type Price } from "./price-book.ts";

/**
 * The price of an endpoint's tokens: the recipe's own, or the price book's.
 * @throws {AppError} `recipe-invalid`: neither knows it.
 */
export function endpointPrice(endpoint: Endpoint): Price {
  return findPrice(endpointName(endpoint), endpoint.model, endpoint.price);
}
