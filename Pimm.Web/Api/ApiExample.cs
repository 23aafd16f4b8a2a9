namespace Pimm.Web.Api;

/// <summary>What the OpenAPI document shows of an operation: objects of the very types that it takes and answers.</summary>
/// <param name="Request">null where it takes no body</param>
/// <param name="Response">null where it answers no JSON</param>
public sealed record ApiExample(object? Response, object? Request = null);

public static class ApiExamples
{
    public static RouteHandlerBuilder WithExample(this RouteHandlerBuilder endpoint, object? response, object? request = null) =>
        endpoint.WithMetadata(new ApiExample(response, request));
}
