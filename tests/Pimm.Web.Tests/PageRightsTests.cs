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
}
