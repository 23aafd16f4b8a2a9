using System.Reflection;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components;
using Shouldly;
using Xunit;

namespace Pimm.Web.Tests;

/// <summary>A circuit checks the attributes of pages, not the endpoints' policy: each page says who may see it.</summary>
public sealed class PageRightsTests
{
    [Fact]
    public void Every_page_asks_for_a_signed_in_user_or_says_that_it_does_not()
    {
        var pages = typeof(Pimm.Web.Campaigns.CampaignsPage).Assembly.GetTypes().Where(type => type.GetCustomAttributes<RouteAttribute>().Any()).ToList();

        pages.Count.ShouldBeGreaterThan(4);
        pages.ShouldAllBe(page => page.GetCustomAttributes<AuthorizeAttribute>(true).Any() || page.GetCustomAttributes<AllowAnonymousAttribute>(true).Any());
        pages.Where(page => page.GetCustomAttributes<AllowAnonymousAttribute>(true).Any()).Select(page => page.Name).Order().ShouldBe(["CodePage", "EnrolPage", "NewPasswordPage", "ProblemPage", "SignInPage"]);
    }

    [Fact]
    public void No_page_is_stopped_by_a_word_in_its_address_where_a_number_belongs() =>
        typeof(Pimm.Web.Campaigns.CampaignsPage).Assembly.GetTypes().SelectMany(type => type.GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(property => property.GetCustomAttributes<SupplyParameterFromQueryAttribute>().Any() && property.PropertyType != typeof(string) && property.PropertyType != typeof(string[]))
            .Select(property => $"{property.DeclaringType!.Name}.{property.Name}").ShouldBeEmpty("the framework stops a page whose number cannot be parsed: take the text, and AddressNumber");
}
